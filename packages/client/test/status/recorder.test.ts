import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { Recorder } from '../../src/status/recorder.js';
import { channel, FakeClient } from './fake-client.js';

const SERVER = 'wss://proxy.example/';
const OTHER = 'wss://other.example/';

let clock: FakeClock;
let client: FakeClient;
let recorder: Recorder;
let looks: number;

/** Of both clocks. */
function pass(seconds: number): void {
  for (let n = 0; n < seconds; n++) {
    clock.advance(1_000);
    vi.advanceTimersByTime(1_000);
  }
}

const events = () => recorder.journal.newer(0).events;

beforeEach(() => {
  vi.useFakeTimers();
  clock = new FakeClock();
  clock.advance(100_000);
  client = new FakeClient();
  looks = 0;
  recorder = new Recorder(client, clock, () => {
    looks += 1;
  });
});

afterEach(() => {
  recorder.stop();
  vi.useRealTimers();
});

describe('a recorder', () => {
  test('looks once a second while it runs, and leaves nothing behind', () => {
    expect(vi.getTimerCount()).toBe(0);
    recorder.start();
    pass(3);
    expect([looks, vi.getTimerCount()]).toEqual([4, 1]);
    recorder.stop();
    pass(3);
    expect([looks, vi.getTimerCount(), client.events.eventNames()]).toEqual([4, 0, []]);
  });

  test('knows how fast each channel is, and all together', () => {
    recorder.start();
    client.now = { ...client.now, bytesDown: 7_000, channels: [channel(1, 1_000, 7_000)] };
    pass(1);
    expect(recorder.total.rates).toEqual({ rateUp: 0, rateDown: 5_000 });
    expect(recorder.rates.of(channel(1, 0))).toMatchObject({ rateDown: 5_000, idle: false });
    expect(recorder.history.seconds.newer(0)).toEqual([[5_000, 0, 0]]);
  });

  test('begins with the connection that there is', () => {
    recorder.start();
    expect(events()).toMatchObject([{ what: 'connected', server: SERVER, atMs: 40_000 }]);
  });
});

describe('what is recorded of an outage', () => {
  const retry = (reason: string, wasConnected: boolean, server = SERVER) =>
    client.events.emit('retry', { server, reason, retryInMs: 100, wasConnected });

  test('is the loss, the tries, and how long it was, with what became of the connections', () => {
    recorder.start();
    retry('cut (1006)', true);
    client.enter('waiting', { reason: 'cut (1006)' });
    pass(2);
    retry('refused', false);
    retry('refused', false);
    pass(1);
    client.enter('online', { reason: undefined });
    client.events.emit('resumed', { server: SERVER });
    expect(events().slice(1)).toMatchObject([
      { what: 'lost', reason: 'cut (1006)', times: 1 },
      { what: 'failed', reason: 'refused', times: 2 },
      { what: 'connected', awayMs: 3_000, kept: true, former: undefined },
    ]);
    expect(recorder.history.seconds.newer(0).map(([, , away]) => away)).toEqual([1, 1, 1]);
  });

  test('is one loss where the session was ended, and no try has failed', () => {
    recorder.start();
    client.enter('waiting', { reason: 'a new session begins' });
    client.enter('connecting');
    client.enter('online');
    expect(events().slice(1)).toMatchObject([{ what: 'lost', reason: 'a new session begins' }, { what: 'connected' }]);
  });

  test('names the server that serves instead, whether there was a gap or not', () => {
    recorder.start();
    retry('cut', true);
    client.enter('waiting');
    client.events.emit('server', { server: OTHER, former: SERVER });
    client.enter('online', { server: OTHER });
    client.now = { ...client.now, server: SERVER };
    client.events.emit('server', { server: SERVER, former: OTHER });
    expect(events().slice(2)).toMatchObject([
      { what: 'connected', server: OTHER, former: SERVER, awayMs: 0 },
      { what: 'connected', server: SERVER, former: OTHER, awayMs: undefined },
    ]);
  });

  test('is nothing while a server that is about to stop still serves', () => {
    recorder.start();
    client.enter('draining');
    pass(2);
    client.enter('online');
    expect(events()).toHaveLength(1);
    expect(recorder.history.seconds.newer(0).map(([, , away]) => away)).toEqual([0, 0]);
  });

  test('ends with the client', () => {
    recorder.start();
    client.enter('closed');
    expect(events().at(-1)).toMatchObject({ what: 'closed' });
  });
});

test('requests that a local port refuses are counted by their reasons', () => {
  recorder.start();
  for (const reason of ['wrong user or password', 'unknown protocol', 'wrong user or password']) {
    client.events.emit('refused', { reason });
  }
  expect(events().slice(1)).toMatchObject([
    { what: 'refused', reason: 'wrong user or password', times: 2 },
    { what: 'refused', reason: 'unknown protocol', times: 1 },
  ]);
});

test('channels that are over are kept, those that open are not', () => {
  recorder.start();
  const change = { ...channel(5, 10), failure: undefined };
  client.events.emit('channel', { ...change, change: 'open' });
  client.events.emit('channel', { ...change, change: 'over', failure: 'CONNECTION_RESET' });
  expect(recorder.journal.newer(0).ended).toMatchObject([{ id: 5, atMs: 100_000, reason: 'connection reset' }]);
});
