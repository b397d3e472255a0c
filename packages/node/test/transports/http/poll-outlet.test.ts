import { IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Timer } from 'wsproxy-engine';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { type Exchange, exchangeOf } from '../../../src/transports/exchange.js';
import { PollOutlet } from '../../../src/transports/http/poll-outlet.js';
import { RECORD_HEAD } from '../../../src/transports/http/records.js';

const PART = 65_536;

/** An answer whose client reads as soon as it is told to. */
class Answer extends Writable {
  length = 0;
  /** Of them in records. */
  carried = 0;
  readonly #waiting: (() => void)[] = [];

  writeHead(_status: number, headers: { readonly 'Content-Length': number }): this {
    this.carried = headers['Content-Length'] - RECORD_HEAD;
    return this;
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.length += chunk.length;
    this.#waiting.push(callback);
  }

  async read(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const memory = newMemory();
const NO_TIMER: Timer = { cancel() {} };
let now = 0;
let losses: string[];
let outlet: PollOutlet;

function exchangeWith(answer: Answer): Exchange {
  const response = answer as unknown as ServerResponse;
  return exchangeOf({ request: new IncomingMessage(new Socket()), response }) as Exchange;
}

/** Whether the poll was taken; the answer has what there is to say. */
function poll(n: number, answer = new Answer()): boolean {
  outlet.send([Buffer.alloc(PART)]);
  return outlet.take(n, exchangeWith(answer));
}

beforeEach(() => {
  losses = [];
  outlet = new PollOutlet({
    memory,
    clock: { now: () => now, setTimer: () => NO_TIMER, deferPastInput: (task) => task() },
    headers: {},
    onDrain: () => {},
    onLost: (reason) => losses.push(reason),
  });
});

describe('answers to polls', () => {
  test('that are not read are four at most', () => {
    const taken = Array.from({ length: 100 }, (_, i) => poll(i + 1));
    expect(taken.filter(Boolean)).toHaveLength(4);
  });

  test('that are read make room for the next ones', async () => {
    for (let n = 1; n <= 20; n += 1) {
      const answer = new Answer();
      expect(poll(n, answer)).toBe(true);
      await answer.read();
    }
    expect(losses).toEqual([]);
  });

  test('begin small, and grow where they are read soon', async () => {
    const lengths: number[] = [];
    outlet.send([Buffer.alloc(4_194_304)]);
    for (let n = 1; n <= 16; n += 1) {
      const answer = new Answer();
      outlet.take(n, exchangeWith(answer));
      lengths.push(answer.carried);
      await answer.read();
      now += 5;
    }
    expect(lengths.slice(0, 2)).toEqual([2_048, 2_048]);
    expect(Math.max(...lengths)).toBe(262_144);
  });

  test('that take long become smaller', async () => {
    outlet.send([Buffer.alloc(4_194_304)]);
    const lengths: number[] = [];
    for (let n = 1; n <= 40; n += 1) {
      const answer = new Answer();
      outlet.take(n, exchangeWith(answer));
      lengths.push(answer.carried);
      await answer.read();
      // Two are under way at a time.
      now += 10 + answer.carried / 16;
    }
    expect(Math.max(...lengths)).toBeLessThanOrEqual(32_768);
    expect(Math.min(...lengths.slice(10))).toBeGreaterThanOrEqual(2_048);
  });

  test('that are not read are cut at the end, and no memory is kept', async () => {
    const answers = [new Answer(), new Answer()];
    for (const [i, answer] of answers.entries()) poll(i + 1, answer);
    outlet.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    expect(memory.kept).toBe(0);
  });

  test('carry the end once, and nothing where a poll waits or comes behind it', async () => {
    const answers = [new Answer(), new Answer(), new Answer()] as const;
    for (const [i, answer] of answers.slice(0, 2).entries()) outlet.take(i + 1, exchangeWith(answer));
    let left = 0;
    outlet.end(Buffer.alloc(6), () => {
      left += 1;
    });
    expect(outlet.take(3, exchangeWith(answers[2]))).toBe(true);
    for (const answer of answers) await answer.read();
    expect(answers.map(({ length, writableFinished }) => [length, writableFinished])).toEqual([
      [6, true],
      [0, true],
      [0, true],
    ]);
    expect(left).toBeGreaterThan(0);
    expect(losses).toEqual([]);
  });

  test('have all left before the end has', async () => {
    const [slow, last] = [new Answer(), new Answer()];
    let hasLeft = false;
    outlet.send([Buffer.alloc(1_000)]);
    outlet.take(1, exchangeWith(slow));
    outlet.end(Buffer.alloc(6), () => {
      hasLeft = true;
    });
    expect(outlet.take(2, exchangeWith(last))).toBe(true);
    await last.read();
    expect(hasLeft).toBe(false);
    await slow.read();
    expect(hasLeft).toBe(true);
  });
});
