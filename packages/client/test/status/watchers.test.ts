import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Watchers } from '../../src/status/watchers.js';

/** As much of a response as watchers use. */
class FakeResponse extends EventEmitter {
  writableLength = 0;
  readonly written: string[] = [];

  write(text: string): void {
    this.written.push(text);
  }

  get asResponse(): ServerResponse {
    return this as unknown as ServerResponse;
  }
}

let watchers: Watchers;
let looks: number;

function watch(): FakeResponse {
  const response = new FakeResponse();
  const look = (): string => {
    looks += 1;
    return String(looks);
  };
  expect(watchers.add(response.asResponse, look)).toBe(true);
  return response;
}

beforeEach(() => {
  vi.useFakeTimers();
  watchers = new Watchers();
  looks = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

test('a watcher is sent an event at once, and one each second', () => {
  const { written } = watch();
  expect(written).toEqual(['data: 1\n\n']);
  vi.advanceTimersByTime(2_000);
  expect(written).toEqual(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']);
});

test('nothing is looked at, and no timer runs, once all have gone', () => {
  const all = [watch(), watch()];
  for (const response of all) response.emit('close');
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(10_000);
  expect(looks).toBe(2);
  watch();
  expect(vi.getTimerCount()).toBe(1);
});

test('a watcher that does not read is left out until it does', () => {
  const slow = watch();
  slow.writableLength = 100_000;
  vi.advanceTimersByTime(60_000);
  expect([slow.written.length, looks]).toEqual([1, 1]);
  slow.writableLength = 0;
  vi.advanceTimersByTime(1_000);
  expect(slow.written.length).toBe(2);
});

test('there are sixteen at most', () => {
  const all = Array.from({ length: 16 }, watch);
  const late = new FakeResponse();
  expect(watchers.add(late.asResponse, () => '')).toBe(false);
  expect(late.written).toEqual([]);
  all[3]?.emit('close');
  watch();
});
