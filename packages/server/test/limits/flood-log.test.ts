import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { FloodLog } from '../../src/limits/flood-log.js';

interface Line {
  readonly who: string;
  readonly i: number;
  readonly unlogged?: number;
  readonly message: string;
}

let clock: FakeClock;
let lines: Line[];
let log: FloodLog;

beforeEach(start);

function start(): void {
  clock = new FakeClock();
  lines = [];
  log = new FloodLog((fields, message) => lines.push({ ...(fields as Line), message }), clock);
}

function write(who: string, times: number): void {
  for (let i = 0; i < times; i += 1) log.write({ source: who }, { who, i }, 'refused');
}

/** How many events the lines about somebody stand for. */
function countOf(who?: string): number {
  const theirs = lines.filter((line) => who === undefined || line.who === who);
  return theirs.reduce((sum, { unlogged = 0 }) => sum + 1 + unlogged, 0);
}

describe('a flood of one', () => {
  test('is cut short, and a second later its last line says by how many', () => {
    write('mallory', 1_000);
    expect(lines).toHaveLength(100);
    expect(lines.at(-1)).toEqual({ who: 'mallory', i: 99, message: 'refused' });
    clock.advance(1_000);
    expect(lines.slice(100)).toEqual([{ who: 'mallory', i: 999, unlogged: 899, message: 'refused' }]);
    expect(clock.pending).toBe(0);
  });

  test('gets one line a second as long as it lasts, and another burst when it has been over for long', () => {
    for (let second = 0; second < 10; second += 1) {
      write('mallory', 1_000);
      clock.advance(1_000);
    }
    expect([lines.length, countOf()]).toEqual([110, 10_000]);
    clock.advance(3_600_000);
    write('mallory', 100);
    expect([lines.length, countOf()]).toEqual([210, 10_100]);
  });

  test('costs no line of somebody else', () => {
    write('mallory', 1_000);
    write('alice', 1);
    expect(lines.slice(100)).toEqual([{ who: 'alice', i: 0, message: 'refused' }]);
  });

  test('is told by its causes, one after the other', () => {
    for (let i = 0; i < 150; i += 1) {
      for (const cause of ['wrong token', 'no token']) log.write({ source: 'm', cause }, { who: cause, i }, 'refused');
    }
    clock.advance(1_000);
    expect(lines).toHaveLength(101);
    clock.advance(1_000);
    expect(['wrong token', 'no token'].map(countOf)).toEqual([150, 150]);
    expect(lines).toHaveLength(102);
  });

  test('is told to its end when nothing more comes', () => {
    write('mallory', 103);
    log.flush();
    expect(lines.at(-1)).toEqual({ who: 'mallory', i: 102, unlogged: 2, message: 'refused' });
    expect(clock.pending).toBe(0);
  });
});

describe('a flood of many', () => {
  test('is bounded too, and each of them is told of in turn', () => {
    const crowd = Array.from({ length: 500 }, (_, n) => `host-${n}`);
    for (const who of crowd) write(who, 10);
    expect(lines).toHaveLength(1_000);
    clock.advance(60_000);
    expect(lines).toHaveLength(1_000 + 400);
    expect(crowd.map(countOf)).toEqual(crowd.map(() => 10));
  });

  test('of more than can be told apart loses none, and is laid to nobody who has no part in it', () => {
    for (let n = 0; n < 5_000; n += 1) write(`host-${n}`, 1);
    log.write({ source: 'late' }, { who: 'late' }, 'too slow');
    log.flush();
    expect([lines.length, countOf()]).toEqual([2_002, 5_001]);
    expect(lines.filter(({ unlogged }) => unlogged !== undefined)).toEqual([{ unlogged: 2_999, message: 'refused' }]);
    expect(lines.at(-1)).toEqual({ message: 'too slow' });
  });
});

test('the lines together count everything, no matter who causes it and whenever', () => {
  const steps = fc.array(
    fc.record({ who: fc.integer({ max: 40, min: 0 }), times: fc.nat(300), pause: fc.nat(3_000) }),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(steps, (walk) => {
      start();
      for (const { who, times, pause } of walk) {
        write(`${who}`, times);
        clock.advance(pause);
      }
      log.flush();
      const expected = walk.reduce((sum, { times }) => sum + times, 0);
      const sources = new Set(walk.map(({ who }) => who)).size;
      expect(countOf()).toBe(expected);
      expect(lines.length).toBeLessThanOrEqual(sources * 101 + Math.ceil(clock.now() / 1_000) * 10);
    }),
  );
});
