import { describe, expect, test } from 'vitest';
import { bytesOf, isEqual } from 'wsproxy-test-support/engine/bytes';
import {
  ack,
  data,
  fin,
  giveBack,
  helloWith,
  open,
  openOk,
  RETURN,
  resume,
  returned,
  window,
} from 'wsproxy-test-support/engine/frames';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { zeros } from '../../src/bytes.js';
import { EARLY_WINDOW, INITIAL_WINDOW, WINDOW_BUDGET } from '../../src/constants.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { FrameType } from '../../src/frame/frame.js';
import { expectClean } from './expect-clean.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

const LIMIT = 100_000;

/** A server session that knows of returns, with an open channel that may send `LIMIT`; the client is the test. */
function sender(): { client: RawClient; peer: RawPeer; wait: (milliseconds: number) => void } {
  const client = new RawClient();
  const peer = client.connect().say(helloWith(RETURN), open(1, LIMIT));
  client.keeper.offered[0]?.accept();
  peer.settle();
  const wait = (milliseconds: number): void => {
    for (let left = milliseconds; left > 0; left -= 100) {
      client.clock.advance(Math.min(100, left));
      peer.settle();
    }
  };
  return { client, peer, wait };
}

/** A client session with an open channel, whose server is the test. */
function receiver(): { server: RawServer; peer: RawPeer } {
  const server = new RawServer();
  const channel = server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
  const peer = server.connect().say(helloWith(RETURN, zeros(32)), openOk(1));
  channel.start({ onData: ({ length }) => channel.consumed(length), onEnd() {}, onReset() {}, onWritable() {} });
  return { server, peer };
}

describe('a sender', () => {
  test('gives back what an idle channel does not need, once, within some seconds', () => {
    const { peer, wait } = sender();
    wait(1_900);
    expect(peer.heard(FrameType.return)).toEqual([]);
    wait(2_200);
    expect(peer.heard(FrameType.return)).toEqual([giveBack(1, LIMIT, EARLY_WINDOW)]);
    wait(20_000);
    expect(peer.heard(FrameType.return)).toHaveLength(1);
  });

  test('looks for idle channels only while there may be some', () => {
    const { client, wait } = sender();
    wait(1_000);
    const looking = client.clock.pending;
    wait(5_000);
    expect(client.clock.pending).toBe(looking - 1);
  });

  test('sends no more than it has kept, before and after the answer', () => {
    const { client, peer, wait } = sender();
    wait(5_000);
    client.keeper.offered[0]?.write(zeros(LIMIT));
    peer.settle();
    expect(peer.dataOf(1)).toHaveLength(EARLY_WINDOW);
    peer.say(returned(1, LIMIT, EARLY_WINDOW));
    expect(peer.dataOf(1)).toHaveLength(EARLY_WINDOW);
    peer.say(window(1, EARLY_WINDOW + 10));
    expect(peer.dataOf(1)).toHaveLength(EARLY_WINDOW + 10);
  });

  test('goes on with a higher limit that its return has crossed', () => {
    const { client, peer, wait } = sender();
    wait(5_000);
    peer.say(window(1, LIMIT + 1), returned(1, LIMIT, LIMIT + 1));
    client.keeper.offered[0]?.write(zeros(LIMIT + 100));
    for (let n = 0; n < 20; n++) peer.say(ack(peer.heard('sequenced').length));
    expect(peer.dataOf(1)).toHaveLength(LIMIT + 1);
  });

  test('tells a return again on the next transport, until it is answered', () => {
    const { client, peer, wait } = sender();
    wait(5_000);
    peer.close(1006);
    // What is written meanwhile, and an end behind it, need the answer all the more.
    client.keeper.offered[0]?.write(zeros(LIMIT));
    client.keeper.offered[0]?.end();
    const next = client.connect().say(resume({ received: 1 }));
    expect(next.heard(FrameType.return)).toEqual([giveBack(1, LIMIT, EARLY_WINDOW)]);
    next.say(returned(1, LIMIT, EARLY_WINDOW)).close(1006);
    const last = client.connect().say(resume({ attempt: 2, received: 1 }));
    expect(last.heard(FrameType.return)).toEqual([]);
  });

  test.each([
    ['sends', (client: RawClient) => client.keeper.offered[0]?.write(zeros(10))],
    ['has no more than an idle channel needs', () => {}, EARLY_WINDOW],
    ['has ended', (client: RawClient) => client.keeper.offered[0]?.end()],
    ['is over', (client: RawClient) => client.keeper.offered[0]?.reset()],
  ])('gives nothing back while it %s', (_what, act: (client: RawClient) => void, limit = LIMIT) => {
    const client = new RawClient();
    const peer = client.connect().say(helloWith(RETURN), open(1, limit));
    client.keeper.offered[0]?.accept();
    for (let n = 0; n < 10; n++) {
      act(client);
      client.clock.advance(1_000);
      peer.say(ack(peer.heard('sequenced').length));
    }
    expect(peer.heard(FrameType.return)).toEqual([]);
  });

  test('that could not be opened yet gives nothing back', () => {
    const client = new RawClient();
    const peer = client.connect().say(helloWith(RETURN), open(1, LIMIT));
    for (let n = 0; n < 10; n++) {
      client.clock.advance(1_000);
      peer.settle();
    }
    expect(peer.heard(FrameType.return)).toEqual([]);
  });

  test('leaves no timer behind', () => {
    const { client, peer } = sender();
    peer.say({ type: FrameType.goAway, channel: 0, payload: bytesOf([3, 0, 0, 0, 0, 0, 0, 0]) });
    expect(client.clock.pending).toBe(0);
  });
});

describe('a receiver', () => {
  test('answers with what holds since', () => {
    const { peer } = receiver();
    peer.say(giveBack(1, INITIAL_WINDOW, EARLY_WINDOW));
    expect(peer.heard(FrameType.returned)).toEqual([returned(1, INITIAL_WINDOW, EARLY_WINDOW)]);
  });

  test('lets stand what its sender had not seen', () => {
    const { peer } = receiver();
    peer.say(giveBack(1, INITIAL_WINDOW - 1, EARLY_WINDOW));
    expect(peer.heard(FrameType.returned)).toEqual([returned(1, INITIAL_WINDOW - 1, INITIAL_WINDOW)]);
  });

  test('takes data up to what was kept, and not a byte more', () => {
    const { server, peer } = receiver();
    peer.say(giveBack(1, INITIAL_WINDOW, 20_000), data(1, zeros(20_000)));
    expect(server.log.closings).toEqual([]);
    const other = receiver();
    other.peer.say(giveBack(1, INITIAL_WINDOW, 20_000), data(1, zeros(20_001)));
    expect(other.peer.closeCode).toBe(4003);
  });

  test('closes with 4003 when less than nothing is given back', () => {
    expect(receiver().peer.say(giveBack(1, 100, 101)).closeCode).toBe(4003);
  });

  test('ignores a return for a direction or a channel that is over', () => {
    const { server, peer } = receiver();
    peer.say(fin(1), giveBack(1, INITIAL_WINDOW, EARLY_WINDOW));
    server.session.channels[0]?.reset();
    peer.say(giveBack(1, INITIAL_WINDOW, EARLY_WINDOW));
    expect([peer.heard(FrameType.returned), server.log.closings]).toEqual([[], []]);
  });

  test('opens the window again with what it sends itself, before the answer to that is there', () => {
    const { server, peer } = receiver();
    peer.say(giveBack(1, INITIAL_WINDOW, EARLY_WINDOW));
    server.session.channels[0]?.write(bytesOf('more, please'));
    peer.settle();
    expect(peer.heard(FrameType.window)).toEqual([window(1, INITIAL_WINDOW)]);
    const order = peer.frames.map(({ type }) => type);
    expect(order.indexOf(FrameType.window)).toBeLessThan(order.indexOf(FrameType.data));
  });
});

describe('both together', () => {
  test('keep no memory for channels that are idle, in either direction', () => {
    const windows = new MemoryBudget(WINDOW_BUDGET);
    const pair = new SessionPair({ processBudgets: { windows, replay: new MemoryBudget(1_000_000) } });
    pair.connect().settle();
    const channels = Array.from({ length: 50 }, () => pair.open());
    expect(windows.reserved).toBeGreaterThan(0);
    for (const { near, far } of channels) {
      near.channel.write(pattern(1, 0, 300_000));
      far.channel.write(pattern(2, 0, 300_000));
    }
    pair.run(() => channels.every(({ near, far }) => near.bytes.length + far.bytes.length === 600_000));
    for (let n = 0; n < 60; n++) pair.settle().clock.advance(100);
    expect(windows.reserved).toBe(0);
    for (const { near, far } of channels) {
      near.channel.write(pattern(1, 300_000, 300_000));
      near.channel.end();
      far.channel.write(pattern(2, 300_000, 300_000));
      far.channel.end();
    }
    pair.run(() => channels.every(({ near, far }) => near.events.includes('end') && far.events.includes('end')));
    for (const { near, far } of channels) {
      expect(isEqual(far.bytes, pattern(1, 0, 600_000)) && isEqual(near.bytes, pattern(2, 0, 600_000))).toBe(true);
    }
    pair.settle();
    expect(windows.reserved).toBe(0);
    expectClean(pair);
  });
});
