import { describe, expect, test } from 'vitest';
import { BodySize } from '../../../src/transports/http/body-size.js';

/** Sends full bodies one after the other by a way that does so much in a ms, after a round trip, until `count` have passed. */
function send(size: BodySize, rate: number, count: number, { roundTrip = 10, limit = 1e9 } = {}): { failed: number } {
  let failed = 0;
  for (let passed = 0; passed < count; ) {
    const { bytes } = size;
    if (bytes > limit) {
      size.onFailed(bytes);
      failed += 1;
    } else {
      size.onPassed(bytes, roundTrip + bytes / rate);
      passed += 1;
    }
  }
  return { failed };
}

describe('the size of bodies', () => {
  test('doubles as long as they are quick, up to what one may carry', () => {
    const size = new BodySize(16_384);
    const seen = Array.from({ length: 6 }, () => {
      send(size, 10_000, 1);
      return size.bytes;
    });
    expect(seen).toEqual([32_768, 65_536, 131_072, 262_144, 262_144, 262_144]);
  });

  test('stays where less than that was to be sent', () => {
    const size = new BodySize(16_384);
    for (let sent = 0; sent < 20; sent++) size.onPassed(100, 10);
    expect(size.bytes).toBe(16_384);
  });

  test.each([2, 8, 64])('becomes what takes a second at most where so many bytes pass in a ms: %d', (rate) => {
    const size = new BodySize(16_384);
    size.onPassed(100, 10);
    send(size, rate, 20);
    expect(size.bytes).toBeGreaterThan(rate * 200);
    expect(size.bytes).toBeLessThanOrEqual(rate * 1_000);
  });

  test('grows on a long path, too', () => {
    const size = new BodySize(16_384);
    size.onPassed(100, 1_400);
    send(size, 1_000, 10, { roundTrip: 1_400 });
    expect(size.bytes).toBe(262_144);
  });

  test('is judged by the path of the transport that uses it', () => {
    const size = new BodySize(16_384);
    size.onPassed(100, 10);
    size.begin();
    size.onPassed(100, 1_400);
    send(size, 1_000, 10, { roundTrip: 1_400 });
    expect(size.bytes).toBe(262_144);
  });

  test('becomes half of what has failed, and no less than 1 KiB', () => {
    const size = new BodySize(16_384);
    size.onFailed(10_000);
    expect(size.bytes).toBe(5_000);
    for (let failed = 0; failed < 10; failed++) size.onFailed(size.bytes);
    expect(size.bytes).toBe(1_024);
    size.onFailed(1_000);
    expect(size.bytes).toBe(1_024);
  });

  test('grows again after one failure', () => {
    const size = new BodySize(16_384);
    for (let failed = 0; failed < 4; failed++) size.onFailed(size.bytes);
    expect(size.bytes).toBe(1_024);
    send(size, 10_000, 40);
    expect(size.bytes).toBe(262_144);
  });

  test('tries what is refused each time more and more seldom', () => {
    const size = new BodySize(16_384);
    expect(send(size, 10_000, 100, { limit: 65_536 }).failed).toBeLessThanOrEqual(4);
    expect(send(size, 10_000, 10_000, { limit: 65_536 }).failed).toBeLessThanOrEqual(9);
    expect(send(size, 10_000, 10_000, { limit: 65_536 }).failed).toBeLessThanOrEqual(3);
  });
});
