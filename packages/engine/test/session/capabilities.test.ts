import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { FlowRecorder } from 'wsproxy-test-support/engine/flow-recorder';
import {
  CALLS,
  CAPABILITIES,
  FLOWS,
  giveBack,
  hello,
  helloWith,
  LISTEN,
  open,
  openOk,
  RETURN,
  resume,
  resumed,
  returned,
  SESSION_ID,
  TAKEN,
  WITHOUT_FLOWS,
} from 'wsproxy-test-support/engine/frames';
import { u32 } from 'wsproxy-test-support/engine/oracle-codec';
import { join, zeros } from '../../src/bytes.js';
import { FrameType } from '../../src/frame/frame.js';
import { ListenRecorder, REQUEST } from './listen-pair.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

const NOBODY = zeros(32);
const KEY = join([bytesOf([1, 0, 0, 0]), SESSION_ID, NOBODY]);

describe('a server', () => {
  test('answers a client that knows of no capabilities as ever, on RESUME too', () => {
    const client = new RawClient();
    const first = client.greeted();
    expect(first.frames[0]?.payload).toEqual(join([KEY, u32(120_000)]));
    expect(client.keeper.session.terms.capabilities).toBeUndefined();
    const peer = client.connect().say(resume());
    expect(peer.frames[0]?.payload).toHaveLength(64);
  });

  test.each([
    ['all', 0xffff_ffff, WITHOUT_FLOWS | CALLS],
    ['none', 0, 0],
    ['others', 0x8000_0006, 0],
    ['one of several', 0x8000_0007, TAKEN],
    ['calls', CALLS, CALLS],
  ])('grants of what is asked for what it can do: %s', (_what, asked, granted) => {
    const client = new RawClient();
    const peer = client.connect().say(helloWith(asked));
    expect(peer.frames[0]?.payload).toEqual(join([KEY, u32(120_000), u32(0), u32(granted)]));
    expect(client.keeper.session.terms.capabilities).toBe(granted);
  });

  test('says the heartbeat again before the capabilities', () => {
    const peer = new RawClient().connect().say(helloWith(RETURN, undefined, 60_000));
    expect(peer.frames[0]?.payload).toEqual(join([KEY, u32(120_000), u32(60_000), u32(RETURN)]));
  });

  test('tells in the answer to RESUME what was agreed on HELLO', () => {
    const client = new RawClient();
    client.connect().say(helloWith(0xff));
    const peer = client.connect().say(resume({ attempt: 3 }));
    expect(peer.frames[0]).toEqual(resumed(3, 0, 120_000, WITHOUT_FLOWS | CALLS));
  });
});

describe.each([
  ['neither carries datagrams nor listens for others', {}, 0],
  ['carries datagrams', { onFlow() {} }, FLOWS],
  ['listens for others', { onListen() {} }, LISTEN],
  ['does both', { onFlow() {}, onListen() {} }, FLOWS | LISTEN],
] as const)('a server that %s', (_what, options, own) => {
  test.each([
    ['of this version', CAPABILITIES],
    ['that knows nothing of listeners', CAPABILITIES & ~LISTEN],
    ['that knows nothing of datagrams either', WITHOUT_FLOWS],
  ])('agrees with a client %s on what both can do', (_who, asked) => {
    const client = new RawClient(options);
    client.connect().say(helloWith(asked));
    expect(client.keeper.session.terms.capabilities).toBe(asked & (WITHOUT_FLOWS | own));
  });
});

test.each([
  ['that knows nothing of listeners', CAPABILITIES & ~LISTEN],
  ['that knows nothing of datagrams either', WITHOUT_FLOWS],
  ['that has the bit of listeners alone', LISTEN],
])('a client gets from a server %s what that has, and is told of the rest', (_who, granted) => {
  const server = new RawServer();
  const near = new ListenRecorder();
  near.take(server.session.listen(REQUEST, near));
  const flow = new FlowRecorder();
  flow.take(server.session.openFlow(undefined, flow));
  const peer = server.connect().say(helloWith(granted, NOBODY));
  const failed = ['over UNSUPPORTED', 'fail UNSUPPORTED'];
  const hasFlows = (granted & FLOWS) !== 0;
  expect([flow.events, near.events.length]).toEqual([hasFlows ? [] : failed, (granted & LISTEN) !== 0 ? 0 : 2]);
  expect(peer.heard(FrameType.flow)).toHaveLength(hasFlows ? 1 : 0);
  expect(peer.heard(FrameType.listen)).toHaveLength((granted & LISTEN) !== 0 ? 1 : 0);
  server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
  peer.settle();
  expect([peer.heard(FrameType.open).length, peer.closeCode]).toEqual([1, undefined]);
});

describe('a client', () => {
  test('asks for what it can do, and agrees on what it is granted of that', () => {
    const server = new RawServer();
    const peer = server.connect();
    expect(peer.frames[0]).toEqual(helloWith(CAPABILITIES));
    expect(server.session.terms.capabilities).toBeUndefined();
    peer.say(helloWith(0xff, NOBODY));
    expect(server.session.terms.capabilities).toBe(CAPABILITIES);
  });

  test('asks for calls as well where it takes some', () => {
    const server = new RawServer({ onCall() {} });
    expect(server.connect().frames[0]).toEqual(helloWith(CAPABILITIES | CALLS));
  });

  test('agrees on nothing with a server that knows of no capabilities', () => {
    const server = new RawServer();
    server.greeted();
    expect(server.session.terms.capabilities).toBe(0);
  });

  test('learns from the answer to RESUME what it could not from the lost one to HELLO, and the grace', () => {
    const server = new RawServer();
    server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    server.connect().close(1006);
    server.connect().say(resumed(1, 1, 30_000, RETURN));
    expect([server.session.terms.capabilities, server.grace]).toEqual([RETURN, 30_000]);
  });

  test('keeps what was agreed on through resumes that do not tell it', () => {
    const server = new RawServer();
    server.connect().say(helloWith(RETURN, NOBODY)).close(1006);
    server.connect().say(resume({ attempt: 1 }));
    expect(server.session.terms.capabilities).toBe(RETURN);
  });

  test.each([0, RETURN | TAKEN])('closes with 4003 when RESUME is answered with other ones, %i', (others) => {
    const server = new RawServer();
    server.connect().say(helloWith(RETURN, NOBODY)).close(1006);
    expect(server.connect().say(resumed(1, 0, 30_000, others)).closeCode).toBe(4003);
  });
});

test('the transport is cut between HELLO and its answer: the session has capabilities and the granted grace', () => {
  const pair = new SessionPair();
  pair.connect();
  pair.request();
  pair.clock.runDeferred();
  pair.ends[0].deliver();
  pair.cut();
  pair.connect().settle();
  expect([pair.client.terms.capabilities, pair.server.terms.capabilities, pair.client.channelCount]).toEqual([
    WITHOUT_FLOWS,
    WITHOUT_FLOWS,
    1,
  ]);
});

describe('a frame that was not agreed on is an error', () => {
  test.each([
    ['RETURN', giveBack(1, 100, 50)],
    ['RETURNED', returned(1, 100, 50)],
  ])('%s at a server', (_name, frame) => {
    for (const greeting of [hello(), helloWith(0)]) {
      const client = new RawClient();
      const peer = client.connect().say(greeting, open(1), frame);
      expect(peer.closeCode).toBe(4003);
      expect(client.keeper.log.closings).toHaveLength(1);
    }
  });

  test.each([
    ['RETURN', giveBack(1, 100, 50)],
    ['RETURNED', returned(1, 100, 50)],
  ])('%s at a client', (_name, frame) => {
    const server = new RawServer();
    server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    const peer = server.greeted().say(openOk(1), frame);
    expect(peer.closeCode).toBe(4003);
  });
});

test('nothing but agreed frames is ever said to an end that knows of none', () => {
  const client = new RawClient();
  const peer = client.greeted().say(open(1, 1_000_000));
  client.keeper.offered[0]?.accept();
  for (let n = 0; n < 20; n++) {
    client.clock.advance(1_000);
    peer.settle();
  }
  expect([peer.heard(FrameType.return), peer.heard(FrameType.returned)]).toEqual([[], []]);
});
