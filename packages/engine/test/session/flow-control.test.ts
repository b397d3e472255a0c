import { describe, expect, test } from 'vitest';
import { bytesOf, filled, isEqual } from 'wsproxy-test-support/engine/bytes';
import { ack, data, fin, hello, open, openOk, ping, pong, window } from 'wsproxy-test-support/engine/frames';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { zeros } from '../../src/bytes.js';
import {
  CHANNEL_HIGH_WATER,
  EARLY_WINDOW,
  INITIAL_WINDOW,
  TRANSPORT_HIGH_WATER,
  WINDOW_BUDGET,
} from '../../src/constants.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { FrameType } from '../../src/frame/frame.js';
import { readCount } from '../../src/frame/payload.js';
import { expectClean } from './expect-clean.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

const target = { host: 'example.org', port: 80 };

/** Acknowledges all that comes, until nothing more does. */
function acknowledgeAll(peer: RawPeer): void {
  for (let count = -1; count !== peer.heard('sequenced').length; ) {
    count = peer.heard('sequenced').length;
    peer.say(ack(count));
  }
}

describe('a sender', () => {
  test('stops at the window, to the byte, and goes on when the reader does', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    near.stopped = true;
    far.channel.write(pattern(1, 0, 2_000_000));
    far.channel.end();
    pair.run(() => near.bytes.length >= INITIAL_WINDOW);
    for (let n = 0; n < 50; n++) pair.settle().clock.advance(5);
    expect(near.bytes).toHaveLength(INITIAL_WINDOW);
    near.goOn();
    pair.run(() => near.events.includes('end'));
    expect(isEqual(near.bytes, pattern(1, 0, 2_000_000))).toBe(true);
  });

  test('obeys a window of any size', () => {
    const server = new RawServer();
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    const peer = server.greeted();
    channel.write(zeros(200_000));
    peer.say(openOk(1, 20_000));
    for (const limit of [20_001, 50_000, 50_000, 49_999, 123_456]) {
      peer.say(window(1, limit));
      acknowledgeAll(peer);
      expect(peer.dataOf(1).length).toBe(Math.max(limit, 50_000 * Number(limit > 20_001)));
    }
  });

  test('that has no credit sends its FIN when the data before it has gone', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1, 0));
    const [channel] = client.keeper.offered;
    channel?.accept();
    channel?.write(bytesOf('abc'));
    channel?.end();
    peer.settle();
    expect(peer.heard('sequenced').map(({ type }) => type)).toEqual([FrameType.openOk]);
    peer.say(window(1, 3));
    expect(peer.heard('sequenced').map(({ type }) => type)).toEqual([FrameType.openOk, FrameType.data, FrameType.fin]);
  });

  test('without data needs no credit for its FIN', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1, 0));
    client.keeper.offered[0]?.accept();
    client.keeper.offered[0]?.end();
    peer.settle();
    expect(peer.heard(FrameType.fin)).toHaveLength(1);
  });
});

describe('a receiver', () => {
  test('never has more promised than a window beyond what was taken', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    near.stopped = true;
    let taken = 0;
    far.channel.write(zeros(3_000_000));
    for (const bytes of [1, 1_000, 100_000, 7, 50_000, 200_000]) {
      for (let n = 0; n < 40; n++) pair.settle().clock.advance(5);
      expect(near.bytes.length - taken).toBeLessThanOrEqual(INITIAL_WINDOW);
      near.channel.consumed(bytes);
      taken += bytes;
    }
  });

  test('that has its FIN gives no credit any more', () => {
    const server = new RawServer();
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    const peer = server.greeted().say(openOk(1));
    let unread = 0;
    channel.start({ onData: ({ length }) => (unread += length), onEnd() {}, onReset() {}, onWritable() {} });
    for (let n = 0; n < 15; n++) peer.say({ type: FrameType.data, channel: 1, payload: zeros(16_384) });
    peer.say({ type: FrameType.fin, channel: 1, payload: zeros(0) });
    channel.consumed(unread);
    peer.settle();
    expect(peer.heard(FrameType.window)).toEqual([]);
  });

  test('tells limits that only grow, and none twice on one transport', () => {
    const server = new RawServer();
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    const peer = server.greeted().say(openOk(1));
    channel.start({ onData: ({ length }) => channel.consumed(length), onEnd() {}, onReset() {}, onWritable() {} });
    for (let n = 0; n < 200; n++) {
      peer.say({ type: FrameType.data, channel: 1, payload: zeros(16_384) });
      server.clock.advance(5);
    }
    const limits = peer.heard(FrameType.window).map(({ payload }) => readCount(payload));
    expect(limits.length).toBeGreaterThan(5);
    expect(limits).toEqual([...new Set(limits)].sort((a, b) => a - b));
  });
});

describe('what the windows of channels may hold', () => {
  test.each([
    ['reset', (pair: { near: Recorder; far: Recorder }) => pair.near.channel.reset()],
    [
      'ended at both sides',
      ({ near, far }: { near: Recorder; far: Recorder }) => {
        near.channel.end();
        far.channel.end();
      },
    ],
  ])('is free again once they were %s', (_how, finish) => {
    const windows = new MemoryBudget(1_000_000);
    const pair = new SessionPair({ processBudgets: { windows, replay: new MemoryBudget(1_000_000) } });
    pair.connect().settle();
    const channels = Array.from({ length: 10 }, () => pair.open());
    expect(windows.reserved).toBe(500_000);
    for (const { near } of channels) expect(near.events).toEqual(['open']);
    for (const channel of channels) finish(channel);
    pair.settle();
    expect(windows.reserved).toBe(0);
  });

  test.each([
    ['its peer', ({ near }: { near: Recorder }) => near.channel.reset()],
    ['its own end', ({ far }: { far: Recorder }) => far.channel.reset()],
  ])('stays taken by a channel that %s has reset, as far as its reader holds it', (_who, reset) => {
    const windows = new MemoryBudget(1_000_000);
    const pair = new SessionPair({ processBudgets: { windows, replay: new MemoryBudget(1_000_000) } });
    pair.connect().settle();
    const channel = pair.open();
    channel.far.stopped = true;
    channel.near.channel.write(zeros(100_000));
    pair.run(() => channel.far.bytes.length === 100_000);
    reset(channel);
    pair.settle();
    expect(windows.reserved).toBe(100_000 - EARLY_WINDOW);
    channel.far.goOn();
    expect(windows.reserved).toBe(0);
  });

  test('is free once both sides have ended and the reader has taken the rest', () => {
    const windows = new MemoryBudget(1_000_000);
    const pair = new SessionPair({ processBudgets: { windows, replay: new MemoryBudget(1_000_000) } });
    pair.connect().settle();
    const { near, far } = pair.open();
    far.stopped = true;
    near.channel.write(zeros(100_000));
    near.channel.end();
    pair.run(() => far.events.includes('end'));
    expect(windows.reserved).toBe(100_000 - EARLY_WINDOW);
    far.channel.end();
    pair.settle();
    expect(windows.reserved).toBe(100_000 - EARLY_WINDOW);
    far.goOn();
    expect(windows.reserved).toBe(0);
  });

  test('is not taken for a channel whose client had ended before it was accepted', () => {
    const windows = new MemoryBudget(1_000_000);
    const client = new RawClient({ processBudgets: { windows, replay: new MemoryBudget(1_000_000) } });
    const peer = client.greeted().say(open(1), data(1, 'request'), fin(1));
    client.keeper.offered[0]?.accept();
    peer.settle();
    expect([windows.reserved, peer.heard(FrameType.openOk)]).toEqual([0, [openOk(1, 'request'.length)]]);
  });

  test('is free again once the session is closed', () => {
    const windows = new MemoryBudget(1_000_000);
    const pair = new SessionPair({ processBudgets: { windows, replay: new MemoryBudget(1_000_000) } });
    pair.connect().settle();
    pair.open();
    expect(windows.reserved).toBeGreaterThan(0);
    pair.server.close('for the test', 4005);
    expect(windows.reserved).toBe(0);
  });
});

describe('a source', () => {
  test('is asked to pause when much is queued, and told when it may go on', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    far.stopped = true;
    let accepted = true;
    let written = 0;
    while (accepted) {
      accepted = near.channel.write(zeros(10_000));
      written += 10_000;
    }
    expect(written).toBeGreaterThanOrEqual(CHANNEL_HIGH_WATER);
    expect(written).toBeLessThan(CHANNEL_HIGH_WATER + 10_000);
    expect(near.writable).toBe(0);
    pair.settle();
    expect(near.writable).toBe(1);
  });

  test('that is paused by a stopped reader is told once the reader goes on', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    far.stopped = true;
    pair.run(() => !near.channel.write(zeros(10_000)) && near.channel.figures.bytesSent === INITIAL_WINDOW);
    const before = near.writable;
    for (let n = 0; n < 20; n++) pair.settle().clock.advance(5);
    expect(near.writable).toBe(before);
    far.goOn();
    pair.run(() => near.writable > before);
  });

  test('is told to go on also when it has written, while it was paused and half of that had gone', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1, 30_000));
    client.keeper.offered[0]?.accept();
    const far = new Recorder();
    for (const channel of client.keeper.offered) far.take(channel);
    expect(far.channel.write(zeros(CHANNEL_HIGH_WATER))).toBe(false);
    acknowledgeAll(peer);
    expect(far.channel.write(zeros(10))).toBe(false);
    expect(far.writable).toBe(0);
    peer.say(window(1, 1_000_000));
    acknowledgeAll(peer);
    expect(far.writable).toBe(1);
  });

  test('may write again in the call that tells it', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    let left = 100;
    const feed = (): void => {
      while (left > 0) {
        left -= 1;
        if (!near.channel.write(filled(30_000, left))) return;
      }
      near.channel.end();
    };
    near.onWritable = feed;
    feed();
    pair.run(() => far.events.includes('end'));
    expect(far.bytes).toHaveLength(3_000_000);
  });

  test('on a channel that is over is never asked to pause', () => {
    const pair = new SessionPair().connect().settle();
    const { near } = pair.open();
    near.channel.reset();
    expect(near.channel.write(zeros(1_000_000))).toBe(true);
    expectClean(pair);
  });

  test('is not paused by an empty write', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    expect(near.channel.write(zeros(0))).toBe(true);
    pair.settle();
    expect(far.events).toEqual([]);
  });
});

describe('a transport that takes no more', () => {
  test('gets no more data until it has drained, but what keeps the session alive', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1, 1_000_000));
    const [channel] = client.keeper.offered;
    channel?.accept();
    peer.settle();
    let backlog = TRANSPORT_HIGH_WATER;
    Object.defineProperty(peer.transport, 'backlog', { get: () => backlog });
    channel?.write(zeros(10_000));
    channel?.end();
    peer.say(ping(77));
    expect(peer.dataOf(1)).toHaveLength(0);
    expect(peer.heard(FrameType.pong)).toEqual([pong(77)]);
    backlog = TRANSPORT_HIGH_WATER - 1;
    peer.transport.receiver.onDrain();
    peer.settle();
    expect(peer.dataOf(1)).toHaveLength(10_000);
  });
});

describe('F18 F19 a channel whose reader has stopped', () => {
  test('holds its window and nothing else, and the others go on', () => {
    const pair = new SessionPair().connect().settle();
    const stopped = Array.from({ length: 20 }, () => pair.open());
    const moving = pair.open();
    for (const { near, far } of stopped) {
      near.stopped = true;
      far.channel.write(zeros(1_000_000));
    }
    moving.far.channel.write(pattern(1, 0, 5_000_000));
    moving.far.channel.end();
    pair.run(() => moving.near.events.includes('end'));
    expect(isEqual(moving.near.bytes, pattern(1, 0, 5_000_000))).toBe(true);
    for (const { near } of stopped) expect(near.bytes.length).toBeLessThanOrEqual(INITIAL_WINDOW);
    for (const { near } of stopped) near.goOn();
    pair.run(() => stopped.every(({ near }) => near.bytes.length === 1_000_000));
  });

  test('and hundreds of them hold no more together than the session may', () => {
    const pair = new SessionPair().connect().settle();
    let arrived = 0;
    const channels = Array.from({ length: 300 }, () => {
      const { far, near } = pair.open();
      near.onData = ({ length }) => {
        arrived += length;
      };
      return far;
    });
    // None of them has moved anything: the other half of the budget is for those that do.
    const bound = WINDOW_BUDGET / 2 + channels.length * EARLY_WINDOW;
    expect(channels.length * INITIAL_WINDOW).toBeGreaterThan(bound);
    for (const { channel } of channels) channel.write(zeros(INITIAL_WINDOW));
    let before = -1;
    while (before !== arrived) {
      before = arrived;
      for (let n = 0; n < 5; n++) pair.settle().clock.advance(5);
    }
    expect(arrived).toBeLessThanOrEqual(bound);
    expect(arrived).toBeGreaterThan(bound * 0.9);
  });

  test('does not slow another one down', () => {
    const milliseconds = (stopped: boolean): number => {
      const pair = new SessionPair().connect().settle();
      const other = pair.open();
      other.near.stopped = stopped;
      // As much as the window holds, so that both runs carry the same.
      other.far.channel.write(zeros(INITIAL_WINDOW + Number(stopped) * 1_000_000));
      pair.run(() => other.near.bytes.length === INITIAL_WINDOW);
      const { near, far } = pair.open();
      far.channel.write(zeros(5_000_000));
      far.channel.end();
      const before = pair.clock.now();
      pair.run(() => near.events.includes('end'));
      return pair.clock.now() - before;
    };
    expect(milliseconds(true)).toBeLessThanOrEqual(2 * milliseconds(false) + 20);
  });
});

test('a greeted server keeps to the window of OPEN', () => {
  const client = new RawClient();
  const peer = client.connect().say(hello(), open(1, 10));
  client.keeper.offered[0]?.accept();
  client.keeper.offered[0]?.write(zeros(100));
  peer.settle();
  expect(peer.dataOf(1)).toHaveLength(10);
});
