import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { type Backlogged, Backlogs, MOST_WAITING, PATIENCE } from '../../src/wisp/backlogs.js';

function begin() {
  const clock = new FakeClock();
  const told: string[] = [];
  const backlogs = new Backlogs({
    clock,
    onPause: () => void told.push('pause'),
    onResume: () => void told.push('resume'),
  });
  class Stream implements Backlogged {
    waiting = 0;
    readonly #name: string;

    constructor(name: string) {
      this.#name = name;
    }

    take(bytes: number): void {
      this.waiting += bytes;
      backlogs.grow(this, bytes);
    }

    giveUp(): void {
      told.push(`gave ${this.#name} up`);
      this.waiting = 0;
      backlogs.end(this);
    }
  }
  return { clock, told, backlogs, stream: (name: string) => new Stream(name) };
}

describe('what waits for destinations', () => {
  test('pauses the client once it is too much, and no longer than it has to', () => {
    const { clock, told, backlogs, stream } = begin();
    const [one, other] = [stream('one'), stream('other')];
    one.take(MOST_WAITING / 2);
    other.take(MOST_WAITING / 2);
    expect(told).toEqual([]);
    other.take(1);
    expect(told).toEqual(['pause']);
    other.waiting = 0;
    backlogs.end(other);
    expect(told).toEqual(['pause', 'resume']);
    clock.advance(10 * PATIENCE);
    expect(told).toEqual(['pause', 'resume']);
  });

  test('counts nothing that has gone meanwhile', () => {
    const { told, stream } = begin();
    const one = stream('one');
    for (let i = 0; i < 100; i++) {
      one.take(MOST_WAITING / 2);
      one.waiting = 0;
    }
    expect(told).toEqual([]);
  });

  test('stays as long as it moves, without an end to anything', () => {
    const { clock, told, stream } = begin();
    const one = stream('one');
    one.take(MOST_WAITING + 1);
    for (let i = 0; i < 50; i++) {
      one.waiting -= 1;
      clock.advance(PATIENCE / 2);
    }
    expect(told).toEqual(['pause']);
    one.waiting = MOST_WAITING / 2;
    clock.advance(500);
    expect(told).toEqual(['pause', 'resume']);
  });

  test('gives up the stream for which most waits where nothing moves, and one only as far as it has to', () => {
    const { clock, told, stream } = begin();
    const [small, large] = [stream('small'), stream('large')];
    small.take(MOST_WAITING / 4);
    large.take(MOST_WAITING);
    clock.advance(PATIENCE - 500);
    expect(told).toEqual(['pause']);
    clock.advance(1_000);
    expect(told).toEqual(['pause', 'gave large up', 'resume']);
    clock.advance(10 * PATIENCE);
    expect(told.length).toBe(3);
  });

  test('ends with the connection', () => {
    const { clock, told, backlogs, stream } = begin();
    stream('one').take(MOST_WAITING + 1);
    backlogs.close();
    clock.advance(10 * PATIENCE);
    expect(told).toEqual(['pause']);
  });
});
