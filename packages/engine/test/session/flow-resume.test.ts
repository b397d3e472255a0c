import { describe, expect, test } from 'vitest';
import { FLOWS, flow, helloWith, open, resume, resumed, TAKEN, taken } from 'wsproxy-test-support/engine/frames';
import { encodePlain, type PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { join, zeros } from '../../src/bytes.js';
import type { OfferedFlow } from '../../src/datagram/flow.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { FrameType } from '../../src/frame/frame.js';
import { RawClient, RawServer } from './raw-session.js';
import type { ServerOptions } from './session-pair.js';

const LONG_WINDOW = 33_554_432;
const BULK = 2_097_152;

/** A server that takes flows; its client is played by the test, and has told that it takes flows too. */
function served(options: ServerOptions = {}): { client: RawClient; peer: RawPeer; flows: OfferedFlow[] } {
  const flows: OfferedFlow[] = [];
  const onFlow = (one: OfferedFlow): void => {
    flows.push(one);
    one.accept();
  };
  const client = new RawClient({ ...options, onFlow });
  return { client, peer: client.connect().say(helloWith(TAKEN | FLOWS)), flows };
}

function lengthOf(frames: readonly PlainFrame[]): number {
  return join(frames.map(encodePlain)).length;
}

/** Reads until nothing more comes, and processes none of the frames that count: they will all have to come again. */
function readAll(peer: RawPeer): void {
  for (let before = -1; before < peer.frames.length; ) {
    before = peer.frames.length;
    peer.say(taken(0, lengthOf(peer.frames)));
  }
}

/** The same with a channel, of which much has been sent; all of it is said again on the transport that is returned. */
function withReplay(numbers: readonly number[]): { flows: OfferedFlow[]; peer: RawPeer } {
  const { client, peer, flows } = served();
  peer.say(...numbers.map((number) => flow(number, 'example.org', 53)), open(99, LONG_WINDOW));
  const [channel] = client.keeper.offered;
  channel?.accept();
  channel?.write(zeros(BULK));
  readAll(peer);
  expect(peer.dataOf(99)).toHaveLength(BULK);
  peer.close(1006);
  return { flows, peer: client.connect().say(resume({ received: 0 })) };
}

describe('while much is sent again', () => {
  test('a datagram is among the next frames', () => {
    const { flows, peer } = withReplay([1]);
    flows[0]?.send(zeros(10));
    peer.settle();
    const before = peer.frames.length;
    peer.say(taken(0, lengthOf(peer.frames)));
    const place = peer.frames.slice(before).findIndex(({ type }) => type === FrameType.datagram);
    expect([place >= 0, place <= 2]).toEqual([true, true]);
    expect(peer.dataOf(99).length).toBeLessThan(BULK / 2);
  });

  test('flows take turns with it and with each other, and all of it comes, in its order', () => {
    const { flows, peer } = withReplay([1, 3]);
    for (let n = 0; n < 100; n++) for (const one of flows) one.send(zeros(1_000));
    const before = peer.frames.length;
    readAll(peer);
    const after = peer.frames.slice(before).filter(({ type }) => type < 0x80 || type === FrameType.datagram);
    const places = (number: number) => after.flatMap(({ channel }, place) => (channel === number ? [place] : []));
    const [first, second, bulk] = [places(1), places(3), places(99)];
    // Turns are of 16 KiB, of which a long frame takes several.
    expect(Math.min(...second)).toBeLessThan(20);
    expect(Math.min(...bulk)).toBeLessThan(Math.max(...first));
    expect(Math.max(...first)).toBeLessThan(Math.max(...bulk) - 10);
    expect(peer.dataOf(99)).toHaveLength(BULK);
    expect(peer.heard(FrameType.datagram)).toHaveLength(200);
  });

  test('no datagram goes ahead of the answer to its FLOW', () => {
    const { flows, peer } = withReplay([1]);
    flows[0]?.send(zeros(10));
    readAll(peer);
    const types = peer.frames.map(({ type }) => type);
    expect(types.indexOf(FrameType.datagram)).toBeGreaterThan(types.indexOf(FrameType.openOk));
  });
});

test('datagrams go on where no more can be kept to be sent again, and nothing else does', () => {
  const processBudgets = { windows: new MemoryBudget(LONG_WINDOW), replay: new MemoryBudget(300_000) };
  const { client, peer, flows } = served({ processBudgets });
  peer.say(flow(1, 'example.org', 53), open(3, LONG_WINDOW));
  const [channel] = client.keeper.offered;
  channel?.accept();
  channel?.write(zeros(BULK));
  readAll(peer);
  const kept = peer.dataOf(3).length;
  expect(kept).toBeLessThan(BULK);
  for (let n = 0; n < 5; n++) flows[0]?.send(zeros(100));
  readAll(peer);
  expect([peer.heard(FrameType.datagram).length, peer.dataOf(3).length]).toEqual([5, kept]);
});

test('a datagram that nobody has acknowledged is in flight, and is not said again', () => {
  const { client, peer, flows } = served();
  peer.say(flow(1, 'example.org', 53));
  flows[0]?.send(zeros(5_000));
  peer.settle();
  const { figures } = client.keeper.session;
  expect(figures.bytesInFlight).toBeGreaterThan(5_000);
  peer.say(taken(1, lengthOf(peer.frames)));
  expect(figures.bytesInFlight).toBe(0);
  flows[0]?.send(zeros(6_000));
  peer.settle().close(1006);
  const next = client.connect().say(resume({ received: 1 }));
  expect([figures.bytesInFlight, next.heard(FrameType.datagram)]).toEqual([0, []]);
});

describe('a client whose server is of an earlier version', () => {
  const handler = () => {
    const events: string[] = [];
    return { events, onOpen: () => events.push('open'), onFail: (code: string) => events.push(code) };
  };

  test.each([
    ['says no capabilities', (server: RawServer) => server.greeted()],
    ['has those of the last one', (server: RawServer) => server.connect().say(helloWith(0x70, zeros(32)))],
    [
      'has never been heard before it answers RESUME without them',
      (server: RawServer) => {
        server.connect().close(1006);
        return server.connect().say(resume({ attempt: 1, secret: zeros(32) }));
      },
    ],
    [
      'has never been heard before it answers RESUME with those of the last one',
      (server: RawServer) => {
        server.connect().close(1006);
        return server.connect().say(resumed(1, 0, 120_000, 0x70));
      },
    ],
  ])('fails flows at once when it %s, and never says a frame of them', (_what, greet) => {
    const server = new RawServer();
    server.session.open({ host: 'example.org', port: 80 }, handler());
    const [early, late] = [handler(), handler()];
    const waiting = server.session.openFlow(undefined, early);
    waiting.send(zeros(10), { host: '192.0.2.1', port: 53 });
    const peer = greet(server);
    expect(early.events).toEqual(['UNSUPPORTED']);
    server.session.openFlow(undefined, late);
    peer.settle();
    expect(late.events).toEqual(['UNSUPPORTED']);
    for (const type of [FrameType.flow, FrameType.datagram, FrameType.taken]) expect(peer.heard(type)).toEqual([]);
  });

  test('is acknowledged by ACK, not by TAKEN', () => {
    const server = new RawServer();
    const peer = server.connect().say(helloWith(0x70, zeros(32)));
    server.session.open({ host: 'example.org', port: 80 }, handler());
    peer.settle().say({ type: FrameType.openOk, channel: 1, payload: zeros(4) });
    server.clock.advance(5);
    peer.settle();
    expect([peer.heard(FrameType.ack).length, peer.heard(FrameType.taken)]).toEqual([1, []]);
  });
});

test('a server agrees on no flows with a client of an earlier version, though it takes them', () => {
  const client = new RawClient({ onFlow() {} });
  const peer = client.connect().say(helloWith(0x70), open(1));
  client.clock.advance(5);
  expect(client.keeper.session.terms.capabilities).toBe(0x70);
  expect([peer.settle().heard(FrameType.ack).length, peer.heard(FrameType.taken)]).toEqual([1, []]);
});
