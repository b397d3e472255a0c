import { describe, expect, test } from 'vitest';
import { bytesOf, textOf } from 'wsproxy-test-support/engine/bytes';
import { MemoryTransport } from '../src/memory-transport.js';
import { deafReceiver, type TransportReceiver } from '../src/transport.js';

/** Notes what an end is told. */
class Log implements TransportReceiver {
  readonly chunks: Uint8Array[] = [];
  readonly events: string[] = [];

  onBytes(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.events.push(`bytes ${textOf(chunk)}`);
  }
  onDrain(): void {
    this.events.push('drain');
  }
  onClose(code: number, reason: string): void {
    this.events.push(`close ${code} ${reason}`);
  }
  onText(): void {}
}

function pair(later?: (deliver: () => void) => void) {
  const ends = MemoryTransport.pair(later);
  const logs = ends.map(() => new Log()) as [Log, Log];
  for (const [i, end] of ends.entries()) end.receiver = logs[i] as Log;
  return { ends, logs };
}

describe('by hand', () => {
  test('bytes wait until they are delivered, in slices of any length, as copies', () => {
    const { ends, logs } = pair();
    const sent = bytesOf('abcdef');
    ends[0].send([sent.subarray(0, 2), sent.subarray(2)]);
    expect([ends[0].backlog, logs[1].events]).toEqual([6, []]);
    expect(ends[0].deliver(4)).toBe(true);
    sent.fill(0);
    expect([ends[0].backlog, logs[1].chunks.slice(0, 1).map(textOf), logs[0].events]).toEqual([2, ['abcd'], ['drain']]);
    ends[0].deliver();
    expect(ends[0].deliver()).toBe(false);
    expect(logs[1].chunks).toHaveLength(2);
  });
});

describe('by itself', () => {
  test('what was sent in one turn arrives in another, part by part, nothing copied', () => {
    const due: (() => void)[] = [];
    const { ends, logs } = pair((deliver) => due.push(deliver));
    const parts = [bytesOf('head'), bytesOf('payload')];
    ends[0].send(parts);
    ends[0].send([bytesOf('next')]);
    expect([due.length, ends[0].backlog, logs[1].events]).toEqual([1, 15, []]);
    due.shift()?.();
    expect(logs[1].events).toEqual(['bytes head', 'bytes payload', 'bytes next']);
    expect(logs[1].chunks.slice(0, 2).map((chunk, i) => chunk === parts[i])).toEqual([true, true]);
    expect([ends[0].backlog, logs[0].events]).toEqual([0, ['drain']]);
    ends[0].send([bytesOf('again')]);
    expect(due).toHaveLength(1);
  });

  test('what one end answers meanwhile arrives in a turn of its own', () => {
    const due: (() => void)[] = [];
    const { ends, logs } = pair((deliver) => due.push(deliver));
    ends[1].receiver = { ...deafReceiver, onBytes: () => ends[1].send([bytesOf('pong')]) };
    ends[0].send([bytesOf('ping')]);
    due.shift()?.();
    expect(logs[0].events).toEqual(['drain']);
    due.shift()?.();
    expect(logs[0].events).toEqual(['drain', 'bytes pong']);
  });
});

describe('the end', () => {
  test('comes behind what was sent when it is closed, and is told to both', () => {
    const { ends, logs } = pair();
    ends[0].send([bytesOf('last')]);
    ends[0].close(1000, 'done');
    expect(logs[1].events).toEqual(['bytes last', 'close 1000 done']);
    expect(logs[0].events).toEqual(['drain', 'close 1000 done']);
    expect([ends[0].isOpen, ends[1].isOpen]).toEqual([false, false]);
  });

  test.each(['terminate', 'cut'] as const)('loses what was under way after %s, and is told once', (how) => {
    const due: (() => void)[] = [];
    const { ends, logs } = pair((deliver) => due.push(deliver));
    ends[0].send([bytesOf('lost')]);
    ends[0][how]();
    ends[0].cut();
    ends[0].send([bytesOf('late')]);
    for (const deliver of due) deliver();
    expect(logs[1].events).toEqual([expect.stringMatching(/^close 1006 /)]);
    expect([logs[0].events.length, ends[0].backlog]).toEqual([1, 0]);
  });
});
