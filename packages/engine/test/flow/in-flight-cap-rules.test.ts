import { describe, expect, test } from 'vitest';
import { InFlightCap } from '../../src/flow/in-flight-cap.js';
import { RoundTrip } from '../../src/flow/round-trip.js';

const INITIAL_CAP = 65_536;
const STARTUP = 1.7;
/** Once the start is over. */
const FILLED = 1;

/** A cap, and the time. Each round something is sent, and acknowledged a round trip later. */
class Rounds {
  readonly roundTrip = new RoundTrip();
  readonly cap = new InFlightCap(this.roundTrip);
  now = 0;

  /** `isAll`: the source has no more than this. */
  run(count: number, { bytes, roundTrip, isAll = false }: { bytes: number; roundTrip: number; isAll?: boolean }): this {
    for (let n = 0; n < count; n++) {
      if (isAll) this.cap.onSourceEmpty(bytes);
      this.cap.onSent(bytes, this.now);
      this.now += roundTrip;
      this.cap.onDelivered(bytes, this.now);
    }
    return this;
  }

  /** The source has no more behind any of `pieces`, but gives the next one at once. */
  runInPieces(pieces: readonly number[], roundTrip: number): void {
    for (const bytes of pieces) {
      this.cap.onSourceEmpty(bytes);
      this.cap.onSent(bytes, this.now);
    }
    this.now += roundTrip;
    this.cap.onDelivered(sum(pieces), this.now);
  }

  /** How much of what the path holds may be in flight. */
  get gain(): number {
    const { cap, rate } = this.cap;
    return Math.round((cap / (rate * this.roundTrip.lowest)) * 1_000) / 1_000;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const WIDE = { bytes: 100_000, roundTrip: 50 };

describe('the rate', () => {
  test('is what was acknowledged in the time since the acknowledgement before', () => {
    const { cap, roundTrip } = new Rounds().run(1, { bytes: 10_000, roundTrip: 50 });
    expect([cap.rate, roundTrip.lowest, cap.inFlight]).toEqual([200, 50, 0]);
  });

  test('does not count a pause in which nothing was in flight', () => {
    const rounds = new Rounds().run(1, { bytes: 1_000, roundTrip: 10 });
    rounds.now = 1_000;
    expect(rounds.run(1, { bytes: 10_000, roundTrip: 10 }).cap.rate).toBe(1_000);
  });

  test('goes on counting while something is in flight', () => {
    const cap = new InFlightCap(new RoundTrip());
    cap.onSent(10_000, 0);
    cap.onSent(10_000, 90);
    cap.onDelivered(10_000, 100);
    expect(cap.rate).toBe(100);
    cap.onDelivered(10_000, 110);
    expect(cap.rate).toBeCloseTo(20_000 / 110);
  });

  test('is not higher than that at which it was sent, though much is acknowledged at once', () => {
    const cap = new InFlightCap(new RoundTrip());
    cap.onSent(1_000, 0);
    cap.onDelivered(1_000, 10);
    for (let now = 100; now <= 200; now += 10) cap.onSent(1_000, now);
    cap.onDelivered(11_000, 210);
    expect(cap.rate).toBe(11_000 / 110);
  });

  test('of what came back in no time is the one of before', () => {
    const cap = new InFlightCap(new RoundTrip());
    cap.onSent(1_000, 5);
    cap.onDelivered(1_000, 5);
    expect([cap.rate, cap.cap]).toEqual([0, INITIAL_CAP]);
  });

  test('is forgotten when nine rounds were slower', () => {
    const rounds = new Rounds().run(3, WIDE);
    expect(rounds.run(8, { bytes: 1_000, roundTrip: 50 }).cap.rate).toBe(2_000);
    expect(rounds.run(1, { bytes: 1_000, roundTrip: 50 }).cap.rate).toBe(20);
  });

  test('is kept while the source has no more to give', () => {
    const rounds = new Rounds().run(3, WIDE);
    expect(rounds.run(30, { bytes: 1_000, roundTrip: 50, isAll: true }).cap.rate).toBe(2_000);
    expect(rounds.gain).toBe(STARTUP);
  });

  test('rises all the same, though the source has no more', () => {
    const rounds = new Rounds().run(1, { bytes: 1_000, roundTrip: 50, isAll: true });
    expect(rounds.run(1, { bytes: 40_000, roundTrip: 50, isAll: true }).cap.rate).toBe(800);
  });

  test.each([
    ['a source that leaves more than a quarter of the cap free', 127_400, true],
    ['a source that leaves less free', 127_600, false],
  ])('%s may be what limits it: %i bytes, %s', (_what, bytes, isKept) => {
    const rounds = new Rounds().run(3, WIDE);
    expect(rounds.cap.cap).toBe(STARTUP * 100_000);
    // Slower than before, but for a source that has no more.
    rounds.run(14, { bytes, roundTrip: 500, isAll: true });
    expect(rounds.cap.rate).toBe(isKept ? 2_000 : bytes / 500);
  });

  test.each([
    ['fills the room in the end', [60_000, 70_000], false],
    ['does not fill it in the end either', [60_000, 60_000], true],
  ])(
    'is judged by a source that gives in pieces when the next is acknowledged: one that %s',
    (_what, pieces, isKept) => {
      const rounds = new Rounds().run(3, WIDE);
      for (let n = 0; n < 14; n++) rounds.runInPieces(pieces, 500);
      expect(rounds.cap.rate).toBe(isKept ? 2_000 : 130_000 / 500);
    },
  );
});

describe('the cap', () => {
  test('is more than the path holds while its rate may still grow, and hardly more once it does not', () => {
    const rounds = new Rounds().run(1, WIDE);
    expect(rounds.gain).toBe(STARTUP);
    expect(rounds.run(2, WIDE).gain).toBe(STARTUP);
    expect(rounds.run(1, WIDE).gain).toBe(FILLED);
  });

  test('takes growth by a quarter for growth', () => {
    const rounds = new Rounds().run(3, WIDE);
    expect(rounds.run(1, { bytes: 125_000, roundTrip: 50 }).gain).toBe(STARTUP);
    expect(rounds.run(2, { bytes: 125_000, roundTrip: 50 }).gain).toBe(STARTUP);
    expect(rounds.run(1, { bytes: 125_000, roundTrip: 50 }).gain).toBe(FILLED);
  });

  test('takes less for none', () => {
    expect(new Rounds().run(3, WIDE).run(1, { bytes: 124_000, roundTrip: 50 }).gain).toBe(FILLED);
  });

  test('is the steady one after a single round in which a queue stood', () => {
    const queued = { bytes: 136_000, roundTrip: 68 };
    expect(new Rounds().run(1, WIDE).run(1, queued).gain).toBe(FILLED);
    const short = { bytes: 134_000, roundTrip: 67 };
    expect(new Rounds().run(1, WIDE).run(1, short).gain).toBe(STARTUP);
  });

  test('counts no round in which the source had no more', () => {
    const rounds = new Rounds().run(1, WIDE).run(10, { bytes: 1_000, roundTrip: 50, isAll: true });
    expect(rounds.gain).toBe(STARTUP);
    expect(rounds.run(3, WIDE).gain).toBe(FILLED);
  });

  test('ends a round only with what was sent after the last one', () => {
    const { cap, roundTrip } = new Rounds().run(1, WIDE);
    // Four acknowledgements of one flight are one round, not four.
    for (let n = 0; n < 4; n++) cap.onSent(25_000, 50);
    for (let n = 0; n < 4; n++) cap.onDelivered(25_000, 100 + n);
    expect(cap.cap).toBeGreaterThan(1.6 * cap.rate * roundTrip.lowest);
  });

  test('is half of that higher where 256 KiB and more are acknowledged at once', () => {
    const rounds = new Rounds().run(40, { bytes: 262_144, roundTrip: 100 });
    const { cap } = rounds.cap;
    rounds.cap.onSent(1, rounds.now);
    rounds.cap.onDelivered(1, rounds.now + 100);
    expect(cap - rounds.cap.cap).toBe(131_072);
  });

  test('leaves what the path carries in 12 ms, however short it is', () => {
    const rounds = new Rounds().run(40, { bytes: 100_000, roundTrip: 1 });
    expect(rounds.cap.cap).toBe(12 * 100_000);
  });

  test('leaves no more than 4 MiB for that reason', () => {
    const rounds = new Rounds().run(40, { bytes: 1_000_000, roundTrip: 1 });
    expect(rounds.cap.cap).toBe(4_194_304);
  });
});

describe('the round trip', () => {
  test('is the lowest of five to ten seconds: nothing is believed for ever', () => {
    const rounds = new Rounds().run(4, WIDE);
    while (rounds.roundTrip.lowest === 50) rounds.run(1, { bytes: 120_000, roundTrip: 60 });
    expect(rounds.roundTrip.lowest).toBe(60);
    expect(rounds.now).toBeGreaterThan(200 + 5_000);
    expect(rounds.now).toBeLessThan(200 + 10_000 + 60);
  });
});
