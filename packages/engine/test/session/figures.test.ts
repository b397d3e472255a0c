import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { SessionPair } from './session-pair.js';

describe('a session', () => {
  test('counts how often another transport went on, and tells each time', () => {
    const pair = new SessionPair().connect().settle();
    expect([pair.client.figures.resumes, pair.server.figures.resumes]).toEqual([0, 0]);
    for (let n = 0; n < 2; n++) {
      pair.cut();
      pair.connect().settle();
    }
    expect([pair.client.figures.resumes, pair.server.figures.resumes]).toEqual([2, 2]);
  });

  test('holds what was not acknowledged, and nothing once it was', () => {
    const pair = new SessionPair().connect().settle();
    const { far } = pair.open();
    far.channel.write(pattern(1, 0, 10_000));
    pair.clock.runDeferred();
    expect(pair.server.figures.replayBytes).toBeGreaterThan(10_000);
    pair.run(() => pair.server.figures.replayBytes === 0);
  });

  test('shows its living channels with target, age and bytes', () => {
    const pair = new SessionPair().connect().settle();
    expect(pair.client.channels).toEqual([]);
    const { near } = pair.open();
    near.channel.write(bytesOf('hello'));
    pair.settle().clock.advance(1_000);
    const [channel] = pair.server.channels;
    expect(channel?.target).toEqual(near.channel.target);
    expect([channel?.figures.bytesReceived, channel?.figures.bytesSent]).toEqual([5, 0]);
    expect(channel?.figures.age).toBeGreaterThanOrEqual(1_000);
  });
});

describe('a channel', () => {
  test('tells its end once, and that it was a clean one', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    let ends = 0;
    far.channel.onOver(() => {
      ends += 1;
    });
    near.channel.end();
    pair.settle();
    expect(ends).toBe(0);
    far.channel.end();
    pair.settle();
    far.channel.reset();
    expect(ends).toBe(1);
    expect(near.channel.figures.failure).toBeUndefined();
  });

  test('tells everybody who asked of its end, in their order, and at once anyone who asks later', () => {
    const pair = new SessionPair().connect().settle();
    const { near } = pair.open();
    const told: number[] = [];
    for (const n of [1, 2, 3]) near.channel.onOver(() => told.push(n));
    near.channel.reset();
    expect(told).toEqual([1, 2, 3]);
    near.channel.onOver(() => told.push(4));
    pair.settle();
    expect(told).toEqual([1, 2, 3, 4]);
  });

  test('tells how it was reset', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    const failures: unknown[] = [];
    near.channel.onOver(() => failures.push(near.channel.figures.failure));
    far.channel.reset('CONNECTION_RESET');
    pair.settle();
    expect([...failures, far.channel.figures.failure]).toEqual(['CONNECTION_RESET', 'CONNECTION_RESET']);
  });

  test('counts each time its bytes begin to wait for the window', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    far.channel.write(pattern(1, 0, 1_000));
    pair.settle();
    expect(far.channel.figures.windowStalls).toBe(0);
    near.stopped = true;
    far.channel.write(pattern(1, 1_000, 2_000_000));
    for (let n = 0; n < 50; n++) pair.settle().clock.advance(5);
    far.channel.write(bytesOf('more'));
    expect(far.channel.figures.windowStalls).toBe(1);
    near.goOn();
    pair.run(() => near.bytes.length === 2_001_004);
    near.stopped = true;
    far.channel.write(pattern(2, 0, 20_000_000));
    for (let n = 0; n < 200; n++) pair.settle().clock.advance(5);
    expect(far.channel.figures.windowStalls).toBeGreaterThan(1);
  });
});
