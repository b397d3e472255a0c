import { describe, expect, test } from 'vitest';
import { isEqual } from 'wsproxy-test-support/engine/bytes';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import type { OfferedChannel } from '../../src/channel/channel.js';
import type { OfferedFlow } from '../../src/datagram/flow.js';
import type { OfferedListener } from '../../src/listen/listener.js';
import { ARRIVAL, accepting, connected, LISTENING, ListenPair, type ListenRecorder, REQUEST } from './listen-pair.js';

describe('what arrives at a listener', () => {
  test('is a channel with an even number, and the addresses of both ends', () => {
    const pair = connected();
    const { near, far } = pair.listen();
    const recorders = accepting(near);
    const first = pair.arrive(far);
    const second = pair.arrive(far, { peer: undefined, local: undefined, name: 'app.example.org' });
    pair.settle();
    expect([first.channel.id, second.channel.id, near.channels.map(({ id }) => id)]).toEqual([2, 4, [2, 4]]);
    expect(near.arrivals).toEqual([ARRIVAL, { peer: undefined, local: undefined, name: 'app.example.org' }]);
    expect([first.events, second.events, recorders.length]).toEqual([['open'], ['open'], 2]);
    const targets = [ARRIVAL.local, { host: 'app.example.org', port: REQUEST.port }];
    expect([first.channel.target, second.channel.target]).toEqual(targets);
    expect(near.channels.map(({ target }) => target)).toEqual(targets);
  });

  test.each([0, 5, 16_384, 100_000, 3_000_000])('carries %i bytes each way, and both ends', (length) => {
    const pair = connected();
    const { near, far } = pair.listen();
    const recorders = accepting(near);
    const arrived = pair.arrive(far);
    if (length > 0) arrived.channel.write(pattern(1, 0, length));
    arrived.channel.end();
    pair.settle();
    const [taken] = recorders;
    if (length > 0) taken?.channel.write(pattern(2, 0, length));
    taken?.channel.end();
    pair.run(() => taken?.events.includes('end') === true && arrived.events.includes('end'));
    expect([
      isEqual(taken?.bytes ?? pattern(0, 0, 1), pattern(1, 0, length)),
      isEqual(arrived.bytes, pattern(2, 0, length)),
    ]).toEqual([true, true]);
    expect([pair.client.channelCount, pair.server.channelCount]).toEqual([0, 0]);
  });

  test('sends its early window behind INCOMING, and no more before it is answered', () => {
    const pair = connected();
    const { near, far } = pair.listen();
    const arrived = pair.arrive(far);
    arrived.channel.write(pattern(1, 0, 40_000));
    pair.settle();
    const [offered] = near.channels;
    const taken = new Recorder();
    taken.stopped = true;
    taken.take(offered as OfferedChannel);
    expect([taken.bytes.length, arrived.channel.figures.isStalled]).toEqual([16_384, true]);
    offered?.accept();
    taken.goOn();
    pair.run(() => taken.bytes.length === 40_000);
    expect(isEqual(taken.bytes, pattern(1, 0, 40_000))).toBe(true);
  });

  test('is refused with what the client says', () => {
    const pair = connected();
    const { near, far } = pair.listen();
    near.onOffer = (one) => one.refuse('CONNECTION_REFUSED');
    const arrived = pair.arrive(far);
    pair.settle();
    expect([arrived.events, pair.server.channelCount]).toEqual([['fail CONNECTION_REFUSED'], 0]);
  });

  test('waits while the client is away, with what was written, and is served when it is back', () => {
    const pair = connected();
    const { near, far } = pair.listen();
    const recorders = accepting(near);
    pair.cut();
    const arrived = pair.arrive(far);
    arrived.channel.write(pattern(3, 0, 50_000));
    pair.clock.advance(60_000);
    expect(near.channels).toEqual([]);
    pair.connect();
    pair.run(() => recorders[0]?.bytes.length === 50_000);
    expect([isEqual(recorders[0]?.bytes ?? pattern(0, 0, 1), pattern(3, 0, 50_000)), arrived.events]).toEqual([
      true,
      ['open'],
    ]);
  });

  test('is over at both ends when the session is', () => {
    const { pair, recorders, open, waiting } = awayAfterOne();
    pair.server.close('the grace is over', 4005);
    pair.client.close('gone', 1000);
    expect([open.events, waiting.events, recorders[0]?.events]).toEqual([
      ['open', 'reset SESSION_LOST'],
      ['fail SESSION_LOST'],
      ['reset SESSION_LOST'],
    ]);
  });

  test('goes with a listener that is closed, unless it has left: that lives on', () => {
    const { pair, near, far, recorders, open, waiting } = awayAfterOne();
    far.close('DENIED');
    expect(waiting.events).toEqual(['fail DENIED']);
    pair.connect().settle();
    open.channel.write(pattern(1, 0, 10));
    pair.settle();
    expect([near.channels.length, recorders[0]?.bytes.length, near.events]).toEqual([
      1,
      10,
      [LISTENING, 'over DENIED', 'ended DENIED'],
    ]);
  });

  test('is refused when it crosses the end of its listener, and nobody at the client is told', () => {
    const pair = connected();
    const { near, far } = pair.listen();
    near.listener.close();
    const arrived = pair.arrive(far);
    arrived.channel.write(pattern(1, 0, 10));
    pair.settle();
    expect([near.channels, arrived.events]).toEqual([[], ['fail BAD_TARGET']]);
  });

  test('fails at once at a listener that does not listen, and at one of another session', () => {
    const pair = connected();
    const other = connected();
    const asked = pair.ask();
    pair.settle();
    const { near, far } = pair.listen();
    const events: string[] = [];
    for (const listener of [asked.listener, pair.offered(0), near.listener, other.listen().far] as OfferedListener[]) {
      const one = pair.arrive(listener);
      expect(one.events).toEqual([]);
      pair.settle();
      events.push(...one.events);
    }
    far.close();
    const late = pair.arrive(far);
    pair.settle();
    expect([...events, ...late.events]).toEqual(Array(5).fill('fail BAD_TARGET'));
  });

  test('fails when the session is over', () => {
    const pair = connected();
    const { far } = pair.listen();
    const { server } = pair;
    server.close('over', 4005);
    const late = pair.arrive(far, ARRIVAL, server);
    const lateFlow = pair.arriveFlow(far, ARRIVAL, server);
    pair.clock.runDeferred();
    expect([late.events, lateFlow.events]).toEqual([['fail SESSION_LOST'], ['over SESSION_LOST', 'fail SESSION_LOST']]);
  });

  test('counts by itself: neither end keeps the other from opening its own', () => {
    const pair = new ListenPair({ maxChannels: 2 }, { maxChannels: 3 }).connect();
    pair.settle();
    pair.keeper.onChannel = (channel) => channel.accept();
    const own = [pair.request(), pair.request()];
    const { near, far } = pair.listen();
    accepting(near);
    const arrived = Array.from({ length: 5 }, () => pair.arrive(far));
    pair.settle();
    const limited = ['fail LIMIT_REACHED'];
    expect(arrived.map(({ events }) => events)).toEqual([['open'], ['open'], ['open'], limited, limited]);
    own.push(pair.request());
    pair.settle();
    expect(own.map(({ events }) => events)).toEqual([['open'], ['open'], limited]);
    arrived[0]?.channel.reset();
    own[0]?.channel.reset();
    pair.settle();
    const again = [pair.arrive(far), pair.request()];
    pair.settle();
    expect(again.map(({ events }) => events)).toEqual([['open'], ['open']]);
  });

  test('makes the numbers of the server few, of which the client is told once, and none are left in the end', () => {
    const told: string[] = [];
    const onNumbersLow = (): void => void told.push(String(near.channels.length));
    const pair = new ListenPair({ lastChannel: 16 }, { lastChannel: 16, onNumbersLow }).connect();
    pair.settle();
    const { near, far } = pair.listen();
    accepting(near);
    const arrived = Array.from({ length: 9 }, () => {
      const one = pair.arrive(far);
      pair.settle();
      return one;
    });
    expect([told, arrived.at(-1)?.events, near.channels.length]).toEqual([['6'], ['fail SESSION_LOST'], 8]);
  });

  test('makes them few also where the first of these was never sent', () => {
    let told = 0;
    const pair = new ListenPair({ lastChannel: 16 }, { lastChannel: 16, onNumbersLow: () => (told += 1) }).connect();
    pair.settle();
    const { far } = pair.listen();
    for (let n = 0; n < 5; n += 1) pair.arrive(far);
    pair.settle();
    pair.cut();
    pair.arrive(far).channel.reset();
    pair.connect().settle();
    expect(told).toBe(0);
    for (let n = 0; n < 2; n += 1) pair.arrive(far);
    pair.settle();
    expect(told).toBe(1);
  });

  test('may be as much as the client has opened and not told yet: only answers count that nobody reads', () => {
    const pair = new ListenPair({ maxChannels: 20_000 }).connect();
    pair.settle();
    const { near, far } = pair.listen();
    accepting(near);
    const own = Array.from({ length: 6_000 }, () => pair.request());
    pair.settle();
    // The way to the server carries nothing more: what the client has to say of its channels waits.
    pair.ends[1].receiver = { onBytes() {}, onDrain() {}, onText() {}, onClose() {} };
    for (const one of own) one.channel.reset();
    const arrived = pair.arrive(far);
    pair.settle();
    expect([pair.log.closings, near.channels.length, arrived.events]).toEqual([[], 1, []]);
  });
});

describe('what arrives at a listener for datagrams', () => {
  const arriving = (): { pair: ListenPair; near: ListenRecorder; far: OfferedListener } => {
    const pair = connected();
    return { pair, ...pair.listen({ kind: 'udp' }) };
  };

  test('is a flow with the peer that it is from, which carries datagrams both ways', () => {
    const { pair, near, far } = arriving();
    const texts: string[] = [];
    near.onOffer = (one) => {
      const flow = one as OfferedFlow;
      flow.start({ onDatagram: (data, from) => texts.push(`${String.fromCharCode(...data)} ${from?.host}`) });
      flow.accept();
    };
    const arrived = pair.arriveFlow(far);
    arrived.say('query');
    pair.settle();
    near.flows[0]?.send(pattern(1, 0, 3));
    pair.settle();
    expect([texts, arrived.events, arrived.datagrams]).toEqual([
      ['query undefined'],
      ['open'],
      [{ data: pattern(1, 0, 3), from: undefined }],
    ]);
    expect([arrived.flow.id, arrived.flow.target, near.flows[0]?.target, near.arrivals]).toEqual([
      2,
      ARRIVAL.peer,
      ARRIVAL.peer,
      [ARRIVAL],
    ]);
  });

  test('is one of so many that the client takes', () => {
    const pair = new ListenPair({}, { maxFlows: 1 }).connect();
    pair.settle();
    const { near, far } = pair.listen({ kind: 'udp' });
    near.onOffer = (one) => one.accept();
    const arrived = [pair.arriveFlow(far), pair.arriveFlow(far)];
    pair.settle();
    expect(arrived.map(({ events }) => events)).toEqual([['open'], ['over LIMIT_REACHED', 'fail LIMIT_REACHED']]);
  });

  test('goes on over another transport, and ends at both ends', () => {
    const { pair, near, far } = arriving();
    near.onOffer = (one) => one.accept();
    pair.cut();
    const arrived = pair.arriveFlow(far);
    arrived.say('query');
    pair.connect().settle();
    expect([arrived.events, near.flows[0]?.figures.datagramsReceived]).toEqual([['open'], 1]);
    near.flows[0]?.close('TIMED_OUT');
    pair.settle();
    expect([arrived.events, pair.client.flowCount, pair.server.flowCount]).toEqual([['open', 'over TIMED_OUT'], 0, 0]);
  });

  test('fails when it is from nobody, and is no stream of bytes', () => {
    const { pair, near, far } = arriving();
    const nobody = pair.arriveFlow(far, { peer: undefined, local: undefined, name: '' });
    const bytes = pair.arrive(far);
    pair.settle();
    expect([nobody.events, bytes.events, near.arrivals]).toEqual([
      ['over BAD_TARGET', 'fail BAD_TARGET'],
      ['fail BAD_TARGET'],
      [],
    ]);
  });
});

/** A listener whose client has gone away: one that has arrived is open, the next one waits. */
function awayAfterOne() {
  const pair = connected();
  const { near, far } = pair.listen();
  const recorders = accepting(near);
  const open = pair.arrive(far);
  pair.settle();
  pair.cut();
  return { pair, near, far, recorders, open, waiting: pair.arrive(far) };
}
