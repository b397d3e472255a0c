import { describe, expect, test } from 'vitest';
import {
  data,
  datagram,
  FLOWS,
  fin,
  flow,
  giveBack,
  helloWith,
  incoming,
  LISTEN,
  listen,
  listening,
  open,
  openFail,
  openOk,
  RETURN,
  reset,
  returned,
  TAKEN,
  window,
} from 'wsproxy-test-support/engine/frames';
import type { PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { zeros } from '../../src/bytes.js';
import { FrameType } from '../../src/frame/frame.js';
import type { OfferedListener } from '../../src/listen/listener.js';
import { ListenRecorder, REQUEST } from './listen-pair.js';
import { RawClient, RawServer } from './raw-session.js';
import type { ServerOptions } from './session-pair.js';

const ALL = TAKEN | FLOWS | LISTEN | RETURN;

/** A server that listens for a client that is played by the test. */
function served(options: ServerOptions = {}): { client: RawClient; peer: RawPeer; offered: OfferedListener[] } {
  const offered: OfferedListener[] = [];
  const client = new RawClient({ onListen: (one) => offered.push(one), onFlow() {}, ...options });
  return { client, peer: client.connect().say(helloWith(ALL)), offered };
}

/** A client with a listener that listens, number 1, whose server is played by the test. */
function listeningAt(kind: 'tcp' | 'udp' = 'tcp'): { server: RawServer; peer: RawPeer; near: ListenRecorder } {
  const server = new RawServer();
  const peer = server.connect().say(helloWith(ALL, zeros(32)));
  const near = new ListenRecorder();
  near.take(server.session.listen({ ...REQUEST, kind }, near));
  peer.settle().say(listening(1));
  expect(near.events).toEqual(['listening 127.0.0.1 8080']);
  return { server, peer, near };
}

describe('at a server it is an error to send', () => {
  const broken: [what: string, ...frames: PlainFrame[]][] = [
    ['DATA on a listener', listen(1), data(1, 'x')],
    ['WINDOW on a listener', listen(1), window(1, 1)],
    ['RETURN on a listener', listen(1), giveBack(1, 2, 1)],
    ['RETURNED on a listener', listen(1), returned(1, 2, 1)],
    ['DATAGRAM on a listener', listen(1), datagram(1, 'x')],
    ['LISTENING', listen(1), listening(1)],
    ['OPEN_OK on a listener', listen(1), openOk(1)],
    ['OPEN_FAIL on a listener that the client has asked for', listen(1), openFail(1, 1)],
    ['LISTEN with the number of a channel', open(1), listen(1)],
    ['LISTEN with the number of a flow', flow(1), listen(1)],
    ['OPEN with the number of a listener', listen(1), open(1)],
    ['LISTEN with a number of the wrong parity', listen(2)],
    ['INCOMING', listen(1), incoming(3, 1)],
    ['LISTENING on a channel', open(1), listening(1)],
    ['LISTENING on a flow', flow(1), listening(1)],
    ['LISTEN that is too long', { ...listen(1), payload: zeros(9) }],
  ];
  test.each(broken)('%s', (_what, ...frames) => {
    const { peer } = served();
    expect(peer.say(...frames).closeCode).toBe(4003);
  });
});

test.each([0, TAKEN | FLOWS])('LISTEN is an error with no more than the capabilities %i', (capabilities) => {
  const client = new RawClient({ onListen() {} });
  expect(client.connect().say(helloWith(capabilities), listen(1)).closeCode).toBe(4003);
});

test('LISTEN is an error at a server that has not offered it', () => {
  const client = new RawClient();
  const peer = client.connect().say(helloWith(ALL), listen(1));
  expect([client.keeper.log.closings.length, peer.closeCode]).toEqual([1, 4003]);
});

describe('a server refuses', () => {
  test.each([
    ['a kind that it does not know', listen(1, { kind: 9 }), 10],
    ['a flag that it does not know', listen(1, { flags: 8 }), 10],
    ['a name that is no text', listen(1, { name: '\xff' }), 10],
  ])('%s, and tells nobody', (_what, frame, code) => {
    const { peer, offered } = served();
    peer.say(frame);
    expect([offered, peer.heard(FrameType.openFail), peer.closeCode]).toEqual([[], [openFail(1, code)], undefined]);
  });

  test('a listener for datagrams where there are no flows', () => {
    const client = new RawClient({ onListen() {} });
    const peer = client.connect().say(helloWith(ALL), listen(1, { kind: 2 }));
    expect(peer.heard(FrameType.openFail)).toEqual([openFail(1, 19)]);
  });

  test('thousands of listeners at the cost of their answers, and no more when these are not read', () => {
    const { client, peer, offered } = served({ maxListeners: 3, maxChannels: 1, maxFlows: 1 });
    const numbers = Array.from({ length: 5_000 }, (_, n) => 2 * n + 1);
    peer.sayUnread(...numbers.map((number) => listen(number)));
    expect([offered.length, client.keeper.log.closings]).toEqual([
      3,
      ['channels are opened, but the answers are not read'],
    ]);
  });
});

describe('at a client it is an error to send', () => {
  const broken: [what: string, ...frames: PlainFrame[]][] = [
    ['OPEN', open(2)],
    ['FLOW', flow(2)],
    ['LISTEN', listen(2)],
    ['a second LISTENING', listening(1)],
    ['OPEN_OK on a listener', openOk(1)],
    ['OPEN_FAIL on a listener that listens', openFail(1, 2)],
    ['DATA on a listener', data(1, 'x')],
    ['FIN on a listener that the client has not ended', fin(1)],
    ['INCOMING with a number of the wrong parity', incoming(3, 1)],
    ['INCOMING with a number that was used', incoming(4, 1), incoming(2, 1)],
    ['LISTENING for a number that was never used', listening(5)],
    ['OPEN_OK for what has arrived', incoming(2, 1), openOk(2)],
    ['OPEN_FAIL for what has arrived', incoming(2, 1), openFail(2, 1)],
  ];
  test.each(broken)('%s', (_what, ...frames) => {
    const { peer } = listeningAt();
    expect(peer.say(...frames).closeCode).toBe(4003);
  });

  test('INCOMING and LISTENING without the capability', () => {
    for (const frame of [incoming(2, 1), listening(1)]) {
      const server = new RawServer();
      server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
      const peer = server.connect().say(helloWith(TAKEN | FLOWS, zeros(32)), frame);
      expect(peer.closeCode).toBe(4003);
    }
  });
});

describe('a client refuses what arrives, and tells nobody,', () => {
  const refused: [what: string, frame: PlainFrame, ...before: PlainFrame[]][] = [
    ['at listener 0', incoming(2, 0)],
    ['at a listener that it never asked for', incoming(2, 99)],
    ['at the number of a channel', incoming(2, 3)],
    ['at one that the server has ended', incoming(2, 1), reset(1)],
    ['as a flow at a listener for bytes', incoming(2, 1, { kind: 2 })],
    ['of a kind that is not known', incoming(2, 1, { kind: 3 })],
    ['of a family that is not known', incoming(2, 1, { family: 7 })],
    ['for a name that is none', incoming(2, 1, { name: 'a b' })],
  ];
  test.each(refused)('%s', (_what, frame, ...before) => {
    const { server, peer, near } = listeningAt();
    server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    peer.settle().say(...before, frame, data(2, 'early'), fin(2));
    expect([near.arrivals, peer.heard(FrameType.openFail), peer.closeCode]).toEqual([[], [openFail(2, 10)], undefined]);
    expect([server.session.channelCount, server.session.flowCount]).toEqual([1, 0]);
  });

  test('as bytes at a listener for datagrams', () => {
    const { peer, near } = listeningAt('udp');
    peer.say(incoming(2, 1), datagram(2, 'x'));
    expect([near.arrivals, peer.heard(FrameType.openFail), peer.closeCode]).toEqual([[], [openFail(2, 10)], undefined]);
  });

  test('at a listener that waits for its answer', () => {
    const { server, peer, near } = listeningAt();
    const waiting = new ListenRecorder();
    waiting.take(server.session.listen(REQUEST, waiting));
    peer.settle().say(incoming(2, 3));
    expect([near.arrivals, waiting.arrivals, peer.heard(FrameType.openFail)]).toEqual([[], [], [openFail(2, 10)]]);
  });

  test('at one that it has closed', () => {
    const { peer, near } = listeningAt();
    near.listener.close();
    peer.settle().say(incoming(2, 1));
    expect([near.arrivals, peer.heard(FrameType.openFail)]).toEqual([[], [openFail(2, 10)]]);
  });
});

test('a client takes as many channels as may be, then no more, and a flood whose refusals nobody reads ends the session', () => {
  const { server, peer, near } = listeningAt();
  const numbers = Array.from({ length: 1_030 }, (_, n) => 2 * n + 2);
  peer.say(...numbers.map((number) => incoming(number, 1)));
  expect([near.channels.length, server.session.channelCount]).toEqual([1_024, 1_024]);
  expect(peer.heard(FrameType.openFail)).toEqual([...numbers.slice(1_024)].map((number) => openFail(number, 11)));
  const more = Array.from({ length: 6_000 }, (_, n) => 3_000 + 2 * n);
  peer.sayUnread(...more.map((number) => incoming(number, 1)));
  expect(server.log.closings).toEqual(['channels are opened, but the answers are not read']);
});

test('frames for a listener that is over are ignored: they have crossed its end', () => {
  const { peer, near } = listeningAt();
  near.listener.close();
  peer.settle().say(reset(1), listening(1));
  expect(peer.closeCode).toBeUndefined();
});
