import { describe, expect, test } from 'vitest';
import { bytesOf, isEqual } from 'wsproxy-test-support/engine/bytes';
import { window } from 'wsproxy-test-support/engine/frames';
import { encodePlain } from 'wsproxy-test-support/engine/oracle-codec';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import type { OfferedChannel } from '../../src/channel/channel.js';
import type { Carried } from '../../src/session/carried.js';
import { SessionPair } from './session-pair.js';

/** A session whose server begins to drain while an OPEN is on its way, and what takes the channel over. */
function crossing(heir: SessionPair | undefined): SessionPair {
  const pair: SessionPair = new SessionPair({}, { onUndialled: (channel) => heir?.client.adopt(channel) });
  return pair.connect().settle();
}

/** Accepts what is opened, and records it. */
function accepting(): { pair: SessionPair; far: Recorder[] } {
  const pair = new SessionPair().connect().settle();
  const far: Recorder[] = [];
  pair.keeper.onChannel = (channel: OfferedChannel) => {
    channel.accept();
    far.push(new Recorder().take(channel));
  };
  return { pair, far };
}

describe('a channel that a server turns away as it stops', () => {
  test.each([0, 5, 16_384, 100_000])('goes over to another session with the %i bytes that were written', (length) => {
    for (const ended of ['before', 'after'] as const) {
      const { pair, far } = accepting();
      const draining = crossing(pair);
      const near = draining.request();
      if (length > 0) near.channel.write(pattern(7, 0, length));
      if (ended === 'before') near.channel.end();
      draining.clock.runDeferred();
      draining.server.drain(30_000);
      draining.settle();
      expect([draining.client.channelCount, near.events]).toEqual([0, []]);
      if (ended === 'after') near.channel.end();
      pair.run(() => far[0]?.events.includes('end') === true);
      expect(far.map(({ bytes }) => isEqual(bytes, pattern(7, 0, length)))).toEqual([true]);
      expect([near.events, near.channel.figures.bytesSent]).toEqual([['open'], length]);
      // Nothing of it leaves by the session that it has left.
      draining.connect().settle();
      expect(draining.keeper.offered).toEqual([]);
    }
  });

  test('gives nothing back in the session that it has left, though that had told it a window', () => {
    const { pair, far } = accepting();
    const first = crossing(pair);
    const near = first.request();
    first.clock.runDeferred();
    first.ends[1].send([encodePlain(window(1, 1_000_000))]);
    first.ends[1].deliver();
    first.server.drain(30_000);
    first.settle();
    pair.run(() => far.length === 1);
    for (let n = 0; n < 60; n++) {
      pair.settle();
      first.settle().clock.advance(100);
    }
    near.channel.write(pattern(7, 0, 200_000));
    pair.run(() => far[0]?.bytes.length === 200_000);
    expect(first.log.closings).toEqual([]);
  });

  test('goes from one to the next, as often as need be', () => {
    const { pair, far } = accepting();
    const second = crossing(pair);
    const first = crossing(second);
    const near = first.request();
    near.channel.write(bytesOf('early'));
    for (const draining of [first, second]) {
      draining.clock.runDeferred();
      draining.server.drain(30_000);
      draining.settle();
    }
    pair.settle();
    expect([near.events, far.map(({ text }) => text)]).toEqual([['open'], ['early']]);
  });

  test('fails when no session takes it', () => {
    const draining = crossing(undefined);
    const near = draining.request();
    draining.clock.runDeferred();
    draining.server.drain(30_000);
    draining.settle();
    expect([near.events, draining.client.channelCount]).toEqual([['fail GOING_AWAY'], 0]);
  });

  test('is reset when it was told to be open, and no session takes it', () => {
    const draining = crossing(undefined);
    const near = new Recorder();
    near.take(draining.client.open({ host: 'example.org', port: 80 }, near, true));
    draining.clock.runDeferred();
    draining.server.drain(30_000);
    draining.settle();
    expect(near.events).toEqual(['open', 'reset GOING_AWAY']);
  });

  test('keeps what has left until it is answered, and no longer', () => {
    const { pair } = accepting();
    const near = pair.request();
    const { memory } = pair;
    const slab = memory.post();
    near.channel.write(memory.keep(slab.bytes));
    pair.clock.runDeferred();
    memory.unpost(slab);
    // Once by this test, once in the queue, and twice what has left: for a replay, and for another session.
    expect(slab.keepers).toBe(4);
    pair.run(() => pair.client.figures.replayBytes === 0 && near.channel.figures.bytesSent === slab.bytes.length);
    expect(slab.keepers).toBe(1);
  });
});

describe('a channel whose OPEN crosses the end of a session', () => {
  /** A session that another one follows, as in `crossing`. */
  function ending(heir: SessionPair | undefined): SessionPair {
    const onClosed = (_reason: string, unsent: readonly Carried[]): void => {
      for (const channel of unsent) heir?.client.adopt(channel);
    };
    return new SessionPair({}, { onClosed }).connect().settle();
  }

  test('goes over to another session, and one that was processed before is reset', () => {
    const { pair, far } = accepting();
    const leaving = ending(pair);
    const dialled = leaving.request();
    leaving.settle();
    const crossed = leaving.request();
    crossed.channel.write(bytesOf('early'));
    leaving.clock.runDeferred();
    leaving.server.leave('stopping');
    leaving.settle();
    pair.settle();
    expect([dialled.events, crossed.events]).toEqual([['fail SESSION_LOST'], ['open']]);
    expect(far.map(({ text }) => text)).toEqual(['early']);
  });

  test('fails when no session takes it', () => {
    const leaving = ending(undefined);
    const near = leaving.request();
    leaving.clock.runDeferred();
    leaving.server.leave('stopping');
    leaving.settle();
    expect([near.events, leaving.clock.pending]).toEqual([['fail SESSION_LOST'], 0]);
  });

  test('fails when the peer is of the release that ends without telling what it has processed', () => {
    const { pair, far } = accepting();
    const leaving = ending(pair);
    leaving.client.terms.agree(0);
    const near = leaving.request();
    leaving.clock.runDeferred();
    leaving.server.leave('stopping');
    leaving.settle();
    pair.settle();
    expect([near.events, far]).toEqual([['fail SESSION_LOST'], []]);
  });

  test('fails when the peer does not say what it has processed', () => {
    const { pair, far } = accepting();
    const lost = ending(pair);
    const near = lost.request();
    lost.clock.runDeferred();
    lost.client.close('lost', 1000);
    pair.settle();
    expect([near.events, far]).toEqual([['fail SESSION_LOST'], []]);
  });
});
