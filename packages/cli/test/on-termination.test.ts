import type { ChildProcess } from 'node:child_process';
import { type EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { onTermination } from '../src/on-termination.js';
import { startFixture } from './fixtures/run-fixture.js';

/** Sends the signals one after the other, each when the program has said that it is ready or has handled the last. */
async function signalled(action: string, signals: NodeJS.Signals[]): Promise<{ lines: string[]; ended: unknown }> {
  const child: ChildProcess = startFixture('program.mjs', [action]);
  const closed = once(child, 'close');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    lines.push(line);
    const signal = signals.shift();
    // Further apart than one key press that arrives twice.
    if (signal !== undefined) setTimeout(() => child.kill(signal), lines.length > 1 ? 100 : 0);
  }
  return { lines, ended: await closed };
}

/** Tells this process of a signal as Node does, which the types do not know. */
function signal(name: NodeJS.Signals, number: number): void {
  (process as EventEmitter).emit(name, name, number);
}

describe('onTermination', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each(['SIGINT', 'SIGTERM'] as const)('stops gracefully at the first %s', async (signal) => {
    expect(await signalled('graceful', [signal])).toEqual({
      lines: ['ready', `stopping after ${signal}`],
      ended: [0, null],
    });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('exits at once at a second %s', async (signal, code) => {
    expect(await signalled('draining', ['SIGINT', signal])).toEqual({
      lines: ['ready', 'draining after SIGINT'],
      ended: [code, null],
    });
  });

  it('takes a SIGINT that arrives twice at once for one', () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
    const stop = vi.fn();
    const remove = onTermination(stop);
    signal('SIGINT', 2);
    now.mockReturnValue(1005);
    signal('SIGINT', 2);
    expect(stop).toHaveBeenCalledExactlyOnceWith('SIGINT');
    expect(exit).not.toHaveBeenCalled();

    now.mockReturnValue(1100);
    signal('SIGTERM', 15);
    expect(stop).toHaveBeenCalledOnce();
    expect(exit).toHaveBeenCalledExactlyOnceWith(143);
    remove();
  });

  it('listens to signals only until it is taken back', () => {
    const before = process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');
    const remove = onTermination(() => expect.unreachable());
    expect(process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')).toBe(before + 2);
    remove();
    expect(process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')).toBe(before);
  });
});
