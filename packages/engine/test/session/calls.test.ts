import { describe, expect, test } from 'vitest';
import { isEqual } from 'wsproxy-test-support/engine/bytes';
import {
  CALLS,
  CAPABILITIES,
  call,
  data,
  fin,
  helloWith,
  LISTEN,
  openFail,
  TAKEN,
} from 'wsproxy-test-support/engine/frames';
import type { PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { zeros } from '../../src/bytes.js';
import type { OfferedChannel } from '../../src/channel/channel.js';
import { FrameType } from '../../src/frame/frame.js';
import type { Session } from '../../src/session/session.js';
import type { SessionOptions } from '../../src/session/session-options.js';
import { RawClient, RawServer } from './raw-session.js';
import { type ServerOptions, SessionPair } from './session-pair.js';

/** A pair whose client takes calls, as the test says. */
class CallPair extends SessionPair {
  readonly taken: [service: string, channel: OfferedChannel][];
  /** What the client does with a call. */
  onTaken: (channel: OfferedChannel) => void = () => {};

  constructor(options: ServerOptions = {}, clientOptions: Partial<SessionOptions> = {}) {
    const taken: [string, OfferedChannel][] = [];
    const onCall = (channel: OfferedChannel, service: string): void => {
      taken.push([service, channel]);
      this.onTaken(channel);
    };
    super(options, { onCall, ...clientOptions });
    this.taken = taken;
    this.connect().settle();
  }

  call(service = 'news', server: Session = this.server): Recorder {
    const caller = new Recorder();
    return caller.take(server.call(service, caller));
  }

  /** What the client takes is accepted, and recorded. */
  accepting(): Recorder[] {
    const recorders: Recorder[] = [];
    this.onTaken = (channel) => {
      channel.accept();
      recorders.push(new Recorder().take(channel));
    };
    return recorders;
  }
}

describe('a call', () => {
  test('is a channel with an even number, to the service that the server names', () => {
    const pair = new CallPair();
    pair.accepting();
    const callers = [pair.call(), pair.call('push/ä 1')];
    pair.settle();
    expect(pair.taken.map(([service, { id }]) => [service, id])).toEqual([
      ['news', 2],
      ['push/ä 1', 4],
    ]);
    expect(callers.map(({ events, channel }) => [events, channel.target.host])).toEqual([
      [['open'], 'news'],
      [['open'], 'push/ä 1'],
    ]);
  });

  test.each([0, 5, 16_384, 3_000_000])('carries %i bytes each way, and both ends', (length) => {
    const pair = new CallPair();
    const recorders = pair.accepting();
    const caller = pair.call();
    if (length > 0) caller.channel.write(pattern(1, 0, length));
    caller.channel.end();
    pair.settle();
    const [taken] = recorders;
    if (length > 0) taken?.channel.write(pattern(2, 0, length));
    taken?.channel.end();
    pair.run(() => taken?.events.includes('end') === true && caller.events.includes('end'));
    expect([
      isEqual(taken?.bytes ?? pattern(0, 0, 1), pattern(1, 0, length)),
      isEqual(caller.bytes, pattern(2, 0, length)),
    ]).toEqual([true, true]);
    expect([pair.client.channelCount, pair.server.channelCount]).toEqual([0, 0]);
  });

  test('is refused with what the client says', () => {
    const pair = new CallPair();
    pair.onTaken = (channel) => channel.refuse('DENIED');
    const caller = pair.call();
    pair.settle();
    expect([caller.events, pair.server.channelCount, pair.client.channelCount]).toEqual([['fail DENIED'], 0, 0]);
  });

  test('waits while the client is away, and goes on over another transport', () => {
    const pair = new CallPair();
    const recorders = pair.accepting();
    pair.cut();
    const caller = pair.call();
    caller.channel.write(pattern(3, 0, 50_000));
    pair.clock.advance(60_000);
    expect(pair.taken).toEqual([]);
    pair.connect();
    pair.run(() => recorders[0]?.bytes.length === 50_000);
    pair.cut();
    caller.channel.write(pattern(3, 50_000, 20_000));
    pair.connect();
    pair.run(() => recorders[0]?.bytes.length === 70_000);
    expect([isEqual(recorders[0]?.bytes ?? pattern(0, 0, 1), pattern(3, 0, 70_000)), caller.events]).toEqual([
      true,
      ['open'],
    ]);
  });

  test('that was not sent is over with its session, and is told of as such, so that another may be made', () => {
    const unsent: unknown[] = [];
    const pair = new CallPair({ onClosed: (left) => unsent.push(...left) });
    pair.cut();
    const caller = pair.call();
    pair.server.close('the grace is over', 4005);
    expect([unsent, caller.events]).toEqual([[caller.channel], ['fail SESSION_LOST']]);
  });

  test('that was sent is no such', () => {
    const unsent: unknown[] = [];
    const pair = new CallPair({ onClosed: (left) => unsent.push(...left) });
    const caller = pair.call();
    pair.settle();
    pair.server.close('the grace is over', 4005);
    expect([unsent, caller.events, pair.taken.length]).toEqual([[], ['fail SESSION_LOST'], 1]);
  });

  test.each([
    ['without a name', ''],
    ['with a name that is too long', 'x'.repeat(256)],
  ])('%s fails, and is never sent', (_what, service) => {
    const pair = new CallPair();
    const caller = pair.call(service);
    expect(caller.events).toEqual([]);
    pair.settle();
    expect([caller.events, pair.taken]).toEqual([['fail BAD_TARGET'], []]);
  });

  test('fails when the session is over', () => {
    const pair = new CallPair();
    const { server } = pair;
    server.close('over', 4005);
    const caller = pair.call('news', server);
    pair.clock.runDeferred();
    expect(caller.events).toEqual(['fail SESSION_LOST']);
  });

  test('counts as what arrives does: beyond the limit of the client it is refused, and its own channels go on', () => {
    const pair = new CallPair({ maxChannels: 1 }, { maxChannels: 2 });
    pair.accepting();
    pair.keeper.onChannel = (channel) => channel.accept();
    const callers = [pair.call(), pair.call(), pair.call()];
    const own = pair.request();
    pair.settle();
    expect([...callers, own].map(({ events }) => events)).toEqual([
      ['open'],
      ['open'],
      ['fail LIMIT_REACHED'],
      ['open'],
    ]);
  });
});

describe('a client that takes no calls', () => {
  test('is called by nobody: the call fails with UNSUPPORTED', () => {
    const pair = new CallPair({}, { onCall: undefined });
    const caller = pair.call();
    pair.settle();
    expect([caller.events, pair.log.closings]).toEqual([['fail UNSUPPORTED'], []]);
  });

  test('of an earlier version is not called either', () => {
    for (const greeting of [CAPABILITIES, TAKEN]) {
      const client = new RawClient();
      const peer = client.connect().say(helloWith(greeting));
      const caller = new Recorder();
      caller.take(client.keeper.session.call('news', caller));
      peer.settle();
      expect([caller.events, peer.heard(FrameType.incoming)]).toEqual([['fail UNSUPPORTED'], []]);
    }
  });

  test('refuses a server that calls nevertheless', () => {
    const server = new RawServer();
    const peer = greeted(server, LISTEN | TAKEN).say(call(2), data(2, 'early'), fin(2));
    expect([peer.heard(FrameType.openFail), peer.closeCode]).toEqual([[openFail(2, 10)], undefined]);
  });
});

test('an earlier server does not agree to calls, and the client takes none from it', () => {
  const taken: string[] = [];
  const server = new RawServer({ onCall: (_channel, service) => taken.push(service) });
  const peer = greeted(server, CAPABILITIES).say(call(2));
  expect([taken, peer.heard(FrameType.openFail), peer.closeCode]).toEqual([[], [openFail(2, 10)], undefined]);
});

test('INCOMING without either capability is an error', () => {
  const server = new RawServer({ onCall() {} });
  expect(greeted(server, TAKEN).say(call(2)).closeCode).toBe(4003);
});

describe('a client refuses what is no call, and tells nobody,', () => {
  test.each([
    ['of datagrams', call(2, 'news', { kind: 2 })],
    ['with a family', call(2, 'news', { family: 4 })],
    ['without a name', call(2, '')],
    ['with a name that is no text', call(2, '\xff')],
  ])('%s', (_what, frame) => {
    const taken: string[] = [];
    const server = new RawServer({ onCall: (_channel, service) => taken.push(service) });
    const peer = greeted(server, CALLS | TAKEN).say(frame, data(2, 'early'), fin(2));
    expect([taken, peer.heard(FrameType.openFail), peer.closeCode]).toEqual([[], [openFail(2, 10)], undefined]);
  });
});

test.each<[what: string, ...frames: PlainFrame[]]>([
  ['with a number of the wrong parity', call(3)],
  ['with a number that was used', call(4), call(2)],
])('a call %s is an error', (_what, ...frames) => {
  expect(greeted(new RawServer({ onCall() {} }), CALLS | TAKEN).say(...frames).closeCode).toBe(4003);
});

test('a call at a server is an error', () => {
  const peer = new RawClient().connect().say(helloWith(CALLS | TAKEN), call(1));
  expect(peer.closeCode).toBe(4003);
});

test('a client takes as many calls as may be, and a flood whose refusals nobody reads ends the session', () => {
  let taken = 0;
  const server = new RawServer({ onCall: () => (taken += 1) });
  const peer = greeted(server, CALLS | TAKEN);
  const numbers = Array.from({ length: 1_030 }, (_, n) => 2 * n + 2);
  peer.say(...numbers.map((number) => call(number)));
  expect([taken, server.session.channelCount]).toEqual([1_024, 1_024]);
  expect(peer.heard(FrameType.openFail)).toEqual(numbers.slice(1_024).map((number) => openFail(number, 11)));
  const more = Array.from({ length: 6_000 }, (_, n) => 3_000 + 2 * n);
  peer.sayUnread(...more.map((number) => call(number)));
  expect(server.log.closings).toEqual(['channels are opened, but the answers are not read']);
});

/** A transport on which a server that is played by the test has agreed to `capabilities`. */
function greeted(server: RawServer, capabilities: number): RawPeer {
  return server.connect().say(helloWith(capabilities, zeros(32)));
}
