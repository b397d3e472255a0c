import { describe, expect, test } from 'vitest';
import { isEqual } from 'wsproxy-test-support/engine/bytes';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import type { OfferedChannel } from '../../src/channel/channel.js';
import type { OfferedListener } from '../../src/listen/listener.js';
import { ARRIVAL, ListenPair, type ListenRecorder } from './listen-pair.js';

interface Owner {
  readonly pair: ListenPair;
  readonly near: ListenRecorder;
  readonly far: OfferedListener;
  readonly taken: Recorder[];
}

/** A client, of one user, with a listener behind so many channels that it has opened; it accepts what arrives. */
function owner(kind: 'tcp' | 'udp' = 'tcp', channels = 0): Owner {
  const pair = new ListenPair().connect();
  pair.settle();
  for (let n = 0; n < channels; n++) pair.request();
  const { near, far } = pair.listen({ kind });
  const taken: Recorder[] = [];
  near.onOffer = (one) => {
    one.accept();
    if (kind === 'tcp') taken.push(new Recorder().take(one as OfferedChannel));
  };
  return { pair, near, far, taken };
}

/** A pair whose server hands to `next`, at the end of a session, what has not left. */
function handingTo(next: Owner): ListenPair {
  const pair = new ListenPair({
    onClosed: (unsent) => {
      for (const one of unsent) next.pair.server.adoptIncoming(one, next.far);
    },
  }).connect();
  pair.settle();
  return pair;
}

/** The new one has the listener from here on, as a table of names does it. */
function takeOver(former: Owner, next: Owner): void {
  const waiting = former.pair.server.releaseIncoming(former.far);
  former.far.close('TAKEN_OVER');
  for (const one of waiting) next.pair.server.adoptIncoming(one, next.far);
}

describe('when a listener is taken over', () => {
  test.each([0, 5, 16_384, 100_000])('what has not left goes over, with the %i bytes that were written', (length) => {
    const [former, next] = [owner(), owner('tcp', 3)];
    former.pair.cut();
    const arrived = former.pair.arrive(former.far);
    if (length > 0) arrived.channel.write(pattern(7, 0, length));
    arrived.channel.end();
    next.pair.arrive(next.far);
    takeOver(former, next);
    next.pair.run(() => next.taken[1]?.events.includes('end') === true);
    expect([isEqual(next.taken[1]?.bytes ?? pattern(0, 0, 1), pattern(7, 0, length)), arrived.events]).toEqual([
      true,
      ['open'],
    ]);
    expect([arrived.channel.id, next.near.arrivals]).toEqual([4, [ARRIVAL, ARRIVAL]]);
    former.pair.connect().settle();
    expect([former.near.channels, former.near.events.slice(1)]).toEqual([[], ['over TAKEN_OVER', 'ended TAKEN_OVER']]);
  });

  test('what has left stays, and lives on', () => {
    const [former, next] = [owner(), owner('tcp', 3)];
    const arrived = former.pair.arrive(former.far);
    former.pair.clock.runDeferred();
    takeOver(former, next);
    former.pair.settle();
    next.pair.settle();
    expect([arrived.events, next.near.channels, former.taken.length]).toEqual([['open'], [], 1]);
  });

  test('what is open lives on', () => {
    const [former, next] = [owner(), owner('tcp', 3)];
    const arrived = former.pair.arrive(former.far);
    former.pair.settle();
    takeOver(former, next);
    former.pair.settle();
    arrived.channel.write(pattern(1, 0, 100));
    former.pair.settle();
    expect([former.taken[0]?.bytes.length, next.near.channels]).toEqual([100, []]);
  });

  test('a flow of datagrams goes over as well', () => {
    const [former, next] = [owner('udp'), owner('udp', 3)];
    former.pair.cut();
    const arrived = former.pair.arriveFlow(former.far);
    arrived.say('query');
    takeOver(former, next);
    next.pair.settle();
    expect([arrived.events, next.near.flows[0]?.figures.datagramsReceived]).toEqual([['open'], 1]);
    expect([former.far.id, next.far.id]).toEqual([1, 7]);
    expect([former.pair.server.flowCount, next.pair.server.flowCount]).toEqual([0, 1]);
  });

  test('what was at another listener of the session stays', () => {
    const [former, next] = [owner(), owner('tcp', 3)];
    const other = former.pair.listen({ name: 'other' });
    former.pair.cut();
    const stays = former.pair.arrive(other.far);
    const goes = former.pair.arrive(former.far);
    takeOver(former, next);
    next.pair.settle();
    expect([stays.events, goes.events, former.pair.server.channelCount]).toEqual([[], ['open'], 1]);
  });

  test('by one that listens no more, what has arrived fails', () => {
    const [former, next] = [owner(), owner('tcp', 3)];
    former.pair.cut();
    const arrived = former.pair.arrive(former.far);
    next.far.close();
    takeOver(former, next);
    expect(arrived.events).toEqual(['fail BAD_TARGET']);
  });

  test("what is over meanwhile is nobody's", () => {
    const [former, next] = [owner(), owner('tcp', 3)];
    former.pair.cut();
    const arrived = former.pair.arrive(former.far);
    const [waiting] = former.pair.server.releaseIncoming(former.far);
    arrived.channel.reset();
    if (waiting !== undefined) next.pair.server.adoptIncoming(waiting, next.far);
    next.pair.settle();
    expect([next.near.channels, next.pair.server.channelCount]).toEqual([[], 3]);
  });
});

describe('when the session of a listener ends', () => {
  test('what has not left may go over to another one, during onClosed', () => {
    const next = owner('tcp', 3);
    const pair = handingTo(next);
    const { far } = pair.listen();
    pair.cut();
    const arrived = pair.arrive(far);
    arrived.channel.write(pattern(1, 0, 10));
    pair.server.close('the grace is over', 4005);
    next.pair.settle();
    expect([arrived.events, next.taken[0]?.bytes.length]).toEqual([['open'], 10]);
  });

  test('so may what the client says it has not processed, when it leaves', () => {
    const next = owner('tcp', 3);
    const pair = handingTo(next);
    const { near, far } = pair.listen();
    const arrived = pair.arrive(far);
    arrived.channel.write(pattern(1, 0, 10));
    pair.clock.runDeferred();
    pair.client.leave('stopping');
    pair.settle();
    next.pair.settle();
    expect([near.channels, arrived.events, next.taken[0]?.bytes.length]).toEqual([[], ['open'], 10]);
  });
});
