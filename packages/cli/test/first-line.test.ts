import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { CommandError, firstLineOf } from '../src/first-line.js';

const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin' };

/** The line that `command` gives, or the error, and what it has told. */
async function outcomeOf(command: string, timeout?: number) {
  const told: string[] = [];
  const tell = (text: string): void => void told.push(text);
  const line = await firstLineOf({ command, env: ENV, tell, ...(timeout !== undefined && { timeout }) }).catch(
    (error: unknown) => error,
  );
  return { line, told };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie that nobody waits for has no command line.
    return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}

describe.skipIf(process.platform === 'win32')('a command', () => {
  test('gives its first line, and tells what it says beside', async () => {
    const { line, told } = await outcomeOf('echo one >&2; echo " first "; printf "two\\r\\nthree" >&2; echo second');
    expect({ line, told }).toEqual({ line: 'first', told: ['one', 'two', 'three'] });
  });

  test.each([
    ['succeeds', 'echo token', undefined, 'token'],
    ['fails', 'exit 3', undefined, new CommandError('failed with exit code 3')],
    ['takes too long', 'wait', 300, new CommandError('took more than 0.3 s')],
    ['says too much', 'yes', undefined, new CommandError('printed more than 65536 characters')],
  ])('leaves nothing running that it has started when it %s', async (_when, end, timeout, expected) => {
    const file = join(temporaryFolder(), 'pid');
    const { line } = await outcomeOf(`sleep 1000 & echo $! > ${file}; ${end}`, timeout);
    expect(line).toEqual(expected);
    expect(existsSync(file)).toBe(true);
    const pid = Number(readFileSync(file, 'utf8'));
    await until('what it has started is gone', () => !isAlive(pid));
  });

  test('tells of a line without an end the beginning alone, and what comes behind it', async () => {
    const { line, told } = await outcomeOf(
      'head -c 30000000 /dev/zero | tr "\\0" x >&2; echo >&2; echo y >&2; echo token',
    );
    expect({ line, told }).toEqual({ line: 'token', told: ['x'.repeat(1_024), 'y'] });
  });

  test('tells of a line that never ends the beginning', async () => {
    const { told } = await outcomeOf('head -c 100000 /dev/zero | tr "\\0" x >&2');
    expect(told).toEqual(['x'.repeat(1_024)]);
  });

  test('tells twenty lines of many', async () => {
    const { line, told } = await outcomeOf('seq 1 200000 >&2; echo token');
    expect({ line, told }).toEqual({
      line: 'token',
      told: Array.from({ length: 20 }, (_, index) => String(index + 1)),
    });
  });
});
