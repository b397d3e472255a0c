import { describe, expect, it } from 'vitest';
import { LogDestination, type LogStream } from '../../src/logging/log-destination.js';

const LINE = `${'x'.repeat(1023)}\n`;
const CAPACITY = 1024;

/** A stream whose writes wait until the test ends them, well or with an error. */
class FakeStream implements LogStream {
  readonly #waiting: Array<{ bytes: Uint8Array; callback: (error?: Error) => void }> = [];
  received = '';
  failureIsHandled = false;

  write(bytes: Uint8Array, callback: (error?: Error) => void): void {
    this.#waiting.push({ bytes, callback });
  }

  on(event: 'error'): void {
    this.failureIsHandled = event === 'error';
  }

  get queued(): number {
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Ends every write that waits, also those that come up meanwhile. */
  settle(error?: Error): void {
    while (this.settleNext(error));
  }

  /** Ends the oldest write that waits; false if there is none. */
  settleNext(error?: Error): boolean {
    const next = this.#waiting.shift();
    if (next === undefined) return false;
    if (error === undefined) this.received += Buffer.from(next.bytes);
    next.callback(error);
    return true;
  }
}

function setUp(): { stream: FakeStream; totals: number[]; write: (lines: number) => void } {
  const stream = new FakeStream();
  const totals: number[] = [];
  const destination = new LogDestination(stream, (total) => {
    totals.push(total);
    destination.write('lost\n');
  });
  function write(lines: number): void {
    for (let line = 0; line < lines; line++) destination.write(LINE);
  }
  return { stream, totals, write };
}

describe('LogDestination', () => {
  it('passes lines on', () => {
    const { stream, totals, write } = setUp();
    write(3);
    stream.settle();
    expect(stream.received).toBe(LINE.repeat(3));
    expect(totals).toEqual([]);
  });

  it('queues 1 MiB for a stalled reader and drops what comes after', () => {
    const { stream, totals, write } = setUp();
    write(CAPACITY + 100);
    expect(stream.queued).toBe(1024 * 1024);
    expect(totals).toEqual([]);
  });

  it('tells how many lines were lost, once, when the reader goes on', () => {
    const { stream, totals, write } = setUp();
    write(CAPACITY + 100);
    stream.settle();
    expect(totals).toEqual([100]);
    expect(stream.received.length).toBe(CAPACITY * LINE.length + 'lost\n'.length);
    expect(stream.received).toContain('lost\n');
  });

  it('tells the total again when more lines are lost later', () => {
    const { stream, totals, write } = setUp();
    write(CAPACITY + 100);
    stream.settle();
    write(CAPACITY + 11);
    stream.settle();
    expect(totals).toEqual([100, 111]);
  });

  it('survives failing writes, counts their lines and tells when writing works again', () => {
    const { stream, totals, write } = setUp();
    write(5);
    stream.settle(new Error('ENOSPC'));
    expect(stream.failureIsHandled).toBe(true);
    expect(totals).toEqual([]);
    write(1);
    stream.settle();
    expect(totals).toEqual([5]);
  });

  it('tells the whole count when the line that told it was lost as well', () => {
    const { stream, totals, write } = setUp();
    write(5);
    stream.settle(new Error('ENOSPC'));
    write(1);
    stream.settleNext();
    expect(totals).toEqual([5]);
    stream.settle(new Error('ENOSPC'));
    write(1);
    stream.settle();
    expect(totals).toEqual([5, 6]);
  });
});
