import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { beforeEach, expect, test } from 'vitest';
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

function watch(): FakeResponse {
  const response = new FakeResponse();
  expect(watchers.add(response.asResponse, (isInStep) => (isInStep ? 'news' : 'all'))).toBe(true);
  return response;
}

beforeEach(() => {
  watchers = new Watchers();
});

test('a watcher is sent all at once, and then what is new, each time', () => {
  const { written } = watch();
  expect(written).toEqual(['data: all\n\n']);
  watchers.tellAll();
  watchers.tellAll();
  expect(written).toEqual(['data: all\n\n', 'data: news\n\n', 'data: news\n\n']);
});

test('one that has gone is told nothing more', () => {
  const [first, second] = [watch(), watch()];
  first.emit('close');
  watchers.tellAll();
  expect([first.written.length, second.written.length, watchers.size]).toEqual([1, 2, 1]);
});

test('one that does not read is left out until it does, and then sent all', () => {
  const slow = watch();
  slow.writableLength = 100_000;
  for (let n = 0; n < 60; n++) watchers.tellAll();
  expect(slow.written.length).toBe(1);
  slow.writableLength = 0;
  watchers.tellAll();
  watchers.tellAll();
  expect(slow.written.slice(1)).toEqual(['data: all\n\n', 'data: news\n\n']);
});

test('there are sixteen at most', () => {
  const all = Array.from({ length: 16 }, watch);
  const late = new FakeResponse();
  expect(watchers.add(late.asResponse, () => '')).toBe(false);
  expect(late.written).toEqual([]);
  all[3]?.emit('close');
  watch();
});
