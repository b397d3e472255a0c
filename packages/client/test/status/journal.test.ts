import { describe, expect, test } from 'vitest';
import { Journal } from '../../src/status/journal.js';
import type { ChannelChange } from '../../src/tunnel/client-status.js';

const SERVER = 'wss://proxy.example/';

function over(id: number, more: Partial<ChannelChange> = {}): ChannelChange {
  const status = { target: 'example.org:443', kind: 'http', open: true, ageMs: 5, bytesUp: 1, bytesDown: 2 };
  return { change: 'over', id, ...status, failure: undefined, ...more };
}

describe('what happens to the tunnel', () => {
  test('is told in its order, each with its time', () => {
    const journal = new Journal();
    journal.note(1_000, { what: 'connected', server: SERVER });
    journal.note(2_000, { what: 'lost', server: SERVER, reason: 'cut' });
    expect(journal.newer(0).events).toMatchObject([
      { id: 1, what: 'connected', server: SERVER, atMs: 1_000, lastMs: 1_000, times: 1 },
      { id: 2, what: 'lost', reason: 'cut', atMs: 2_000 },
    ]);
  });

  test('counts failures of an outage that repeat, no matter what server is tried between them', () => {
    const journal = new Journal();
    for (let n = 0; n < 1_000; n++) {
      journal.note(n, { what: 'failed', server: SERVER, reason: 'refused' });
      journal.note(n, { what: 'failed', server: 'wss://other/', reason: 'no such name' });
    }
    journal.note(2_000, { what: 'connected', server: SERVER });
    journal.note(3_000, { what: 'failed', server: SERVER, reason: 'refused' });
    expect(journal.newer(0).events).toMatchObject([
      { server: SERVER, atMs: 0, lastMs: 999, times: 1_000 },
      { server: 'wss://other/', times: 1_000 },
      { what: 'connected' },
      { server: SERVER, atMs: 3_000, times: 1 },
    ]);
  });

  test('is bounded', () => {
    const journal = new Journal();
    for (let n = 0; n < 1_000; n++) journal.note(n, { what: 'failed', server: SERVER, reason: `reason ${n}` });
    const { events } = journal.newer(0);
    expect([events.length, events.at(-1)?.reason]).toEqual([200, 'reason 999']);
  });

  test('says of a connection that its channels went on, if that is told right behind it', () => {
    const journal = new Journal();
    journal.note(1_000, { what: 'connected', server: SERVER, awayMs: 300 });
    journal.noteResumed(1_001, SERVER);
    expect(journal.newer(0).events).toMatchObject([{ what: 'connected', awayMs: 300, kept: true }]);
    journal.noteResumed(90_000, SERVER);
    expect(journal.newer(0).events).toMatchObject([{ awayMs: 300 }, { what: 'connected', kept: true, atMs: 90_000 }]);
  });
});

describe('channels that are over', () => {
  test('are told with what they carried, and how they ended', () => {
    const journal = new Journal();
    journal.noteEnded(1_000, over(7));
    journal.noteEnded(2_000, over(8, { open: false, failure: 'NAME_NOT_FOUND' }));
    expect(journal.newer(0).ended).toMatchObject([
      { id: 7, target: 'example.org:443', kind: 'http', atMs: 1_000, lastedMs: 5, bytesUp: 1, wasOpen: true },
      { id: 8, wasOpen: false, failure: 'NAME_NOT_FOUND', reason: 'host name not found' },
    ]);
  });

  test('are bounded', () => {
    const journal = new Journal();
    for (let id = 1; id <= 5_000; id++) journal.noteEnded(id, over(id));
    const { ended } = journal.newer(0);
    expect([ended.length, ended[0]?.id, ended.at(-1)?.id]).toEqual([100, 4_901, 5_000]);
  });
});

test('what is new since a number of changes is what was noted, or noted again, since then', () => {
  const journal = new Journal();
  journal.note(1, { what: 'failed', server: SERVER, reason: 'a' });
  journal.note(2, { what: 'failed', server: SERVER, reason: 'b' });
  journal.noteEnded(3, over(1));
  const { changes } = journal;
  expect(journal.newer(changes)).toEqual({ events: [], ended: [] });
  journal.note(4, { what: 'failed', server: SERVER, reason: 'a' });
  expect(journal.newer(changes)).toMatchObject({ events: [{ id: 1, times: 2 }], ended: [] });
});
