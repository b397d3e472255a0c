import { describe, expect, test } from 'vitest';
import { bytesOf, isEqual } from 'wsproxy-test-support/engine/bytes';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { zeros } from '../../src/bytes.js';
import { expectClean } from './expect-clean.js';
import { SessionPair } from './session-pair.js';

describe('a session', () => {
  test('carries bytes both ways, in any pieces the transport delivers', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    near.channel.write(bytesOf('up'));
    near.channel.end();
    pair.settle(1);
    expect(far.text).toBe('up');
    far.channel.write(pattern(1, 0, 1_000_000));
    far.channel.end();
    pair.run(() => near.events.includes('end'), 777);
    expect(isEqual(near.bytes, pattern(1, 0, 1_000_000))).toBe(true);
    expect(near.events).toEqual(['open', 'data', 'end']);
    expect(far.events).toEqual(['data', 'end']);
    expectClean(pair);
  });

  test('counts the payload bytes of each channel', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    near.channel.write(zeros(300));
    far.channel.write(zeros(50));
    pair.settle();
    expect([near.channel.figures.bytesSent, near.channel.figures.bytesReceived]).toEqual([300, 50]);
    expect([far.channel.figures.bytesSent, far.channel.figures.bytesReceived]).toEqual([50, 300]);
  });

  test('tells once, and long before, that its channel numbers run out', () => {
    let told = 0;
    const pair = new SessionPair({}, { lastChannel: 80, onNumbersLow: () => (told += 1) }).connect().settle();
    for (let n = 0; n < 30; n++) pair.request();
    pair.settle();
    expect(told).toBe(0);
    for (let n = 0; n < 10; n++) expect(pair.request().events).toEqual([]);
    pair.settle();
    expect(told).toBe(1);
    const late = pair.request();
    pair.settle();
    expect(late.events).toEqual(['fail SESSION_LOST']);
  });

  test('keeps many channels apart', () => {
    const pair = new SessionPair().connect().settle();
    const channels = Array.from({ length: 200 }, () => pair.open());
    channels.forEach(({ near, far }, key) => {
      near.channel.write(pattern(key, 0, 1_000));
      far.channel.write(pattern(key + 500, 0, 1_000));
      near.channel.end();
      far.channel.end();
    });
    pair.run(() => pair.client.channelCount === 0, 10_000);
    channels.forEach(({ near, far }, key) => {
      expect(isEqual(far.bytes, pattern(key, 0, 1_000))).toBe(true);
      expect(isEqual(near.bytes, pattern(key + 500, 0, 1_000))).toBe(true);
    });
    expectClean(pair);
  });

  test('numbers channels upwards, odd ones for the client', () => {
    const pair = new SessionPair().connect().settle();
    expect([1, 2, 3].map(() => pair.open().near.channel.id)).toEqual([1, 3, 5]);
  });

  test('sends nothing while nothing is to be said', () => {
    const pair = new SessionPair().connect().settle();
    pair.clock.advance(1_000);
    pair.settle();
    pair.clock.advance(10_000);
    expect(pair.ends.map((end) => end.backlog)).toEqual([0, 0]);
  });

  test('opens no channel once it is closed, and says so after the caller has returned', () => {
    const pair = new SessionPair().connect().settle();
    pair.client.close('for the test', 1000);
    const near = pair.request();
    expect(near.events).toEqual([]);
    pair.settle();
    expect(near.events).toEqual(['fail SESSION_LOST']);
    near.channel.write(bytesOf('nobody hears this'));
    near.channel.end();
    near.channel.reset();
    pair.settle();
    expect(near.events).toEqual(['fail SESSION_LOST']);
  });
});
