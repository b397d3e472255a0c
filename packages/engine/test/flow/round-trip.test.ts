import { describe, expect, test } from 'vitest';
import { RoundTrip } from '../../src/flow/round-trip.js';

describe('a round trip', () => {
  test('is unknown before anything came back', () => {
    const roundTrip = new RoundTrip();
    expect([roundTrip.lowest, roundTrip.latest]).toEqual([Number.POSITIVE_INFINITY, 0]);
  });

  test('tells the lowest sample and the last one', () => {
    const roundTrip = new RoundTrip();
    for (const [now, sample] of [30, 20, 50].entries()) roundTrip.note(sample, now);
    expect([roundTrip.lowest, roundTrip.latest]).toEqual([20, 50]);
  });

  test('is told by a PONG as well, and forgotten by those who only receive', () => {
    const roundTrip = new RoundTrip();
    roundTrip.note(20, 0);
    expect(roundTrip.lowest).toBe(20);
    for (let now = 1_000; now <= 10_000; now += 1_000) roundTrip.note(200, now);
    expect(roundTrip.lowest).toBe(200);
  });

  test('counts a sample for five seconds at least, and knows the latest', () => {
    const roundTrip = new RoundTrip();
    expect(roundTrip.latest).toBe(0);
    roundTrip.note(20, 0);
    roundTrip.note(90, 6_000);
    roundTrip.note(95, 7_000);
    expect([roundTrip.lowest, roundTrip.latest]).toEqual([20, 95]);
    const exact = new RoundTrip();
    exact.note(20, 0);
    exact.note(90, 5_000);
    exact.note(80, 10_000);
    expect(exact.lowest).toBe(80);
  });

  test('forgets everything in ten seconds without a sample', () => {
    const roundTrip = new RoundTrip();
    roundTrip.note(20, 0);
    roundTrip.note(90, 10_000);
    expect(roundTrip.lowest).toBe(90);
  });

  test('is the lowest sample of five to ten seconds', () => {
    const roundTrip = new RoundTrip();
    expect(roundTrip.lowest).toBe(Number.POSITIVE_INFINITY);
    roundTrip.note(20, 0);
    roundTrip.note(90, 1_000);
    expect(roundTrip.lowest).toBe(20);
    roundTrip.note(80, 6_000);
    expect(roundTrip.lowest).toBe(20);
    roundTrip.note(90, 12_000);
    expect(roundTrip.lowest).toBe(80);
  });
});

describe('a round trip after this process stood still', () => {
  test('is not how long an answer waited for it, read before that is noticed or after', () => {
    const roundTrip = new RoundTrip();
    roundTrip.note(20, 1_000);
    roundTrip.note(10_000, 11_500);
    roundTrip.stoodStill(11_501);
    expect(roundTrip.latest).toBe(0);
    roundTrip.note(10_000, 11_502);
    expect(roundTrip.latest).toBe(0);
    roundTrip.note(30, 11_540);
    expect([roundTrip.lowest, roundTrip.latest]).toEqual([30, 30]);
  });
});

describe('a round trip on another transport', () => {
  test('is what the former one had until it has told its own, and nothing but that from then on', () => {
    const roundTrip = new RoundTrip();
    roundTrip.note(20, 0);
    roundTrip.restart();
    expect([roundTrip.lowest, roundTrip.latest]).toEqual([20, 20]);
    roundTrip.note(200, 1);
    expect([roundTrip.lowest, roundTrip.latest]).toEqual([200, 200]);
  });

  test('counts its samples for as long as ever', () => {
    const roundTrip = new RoundTrip();
    roundTrip.note(20, 0);
    roundTrip.restart();
    roundTrip.note(100, 4_000);
    roundTrip.note(200, 8_000);
    expect(roundTrip.lowest).toBe(100);
    roundTrip.note(200, 9_000);
    expect(roundTrip.lowest).toBe(100);
    roundTrip.note(200, 14_000);
    expect(roundTrip.lowest).toBe(200);
  });
});
