import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { startFixture } from './support/run-fixture.js';

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

describe('onTermination', () => {
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

  it('takes a SIGINT that arrives twice at once for one', async () => {
    const child = startFixture('program.mjs', ['draining']);
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    expect(await lines.next()).toMatchObject({ value: 'ready' });
    child.kill('SIGINT');
    expect(await lines.next()).toMatchObject({ value: 'draining after SIGINT' });
    child.kill('SIGINT');
    const exit = once(child, 'exit');
    const survived = await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, 300, 'still there'))]);
    expect(survived).toBe('still there');
    child.kill('SIGKILL');
    await exit;
  });
});
