import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addOptions } from 'wsproxy-cli';
import { readShortWay } from '../../src/cli/short-way.js';
import { OPTIONS } from '../../src/options/options.js';

/** What the whole program reads of the same words; undefined where it ends with an error. */
function readWhole(words: readonly string[]): Record<string, unknown> | undefined {
  const program = new Command('wsproxy-client').exitOverride().configureOutput({ outputError: () => {} });
  addOptions(program, OPTIONS).option('--config <file>');
  try {
    return program.parse(words, { from: 'user' }).opts();
  } catch {
    return undefined;
  }
}

describe('the short way', () => {
  it.each([
    [['-W', 'host:22', '--control', '/run/c']],
    [['-Whost:22', '--control=/run/c']],
    [['--stdio=host:22', '--control', '/run/c', '-N']],
    [['--stdio', 'host:22', 'wss://example.org/t', 'ws://localhost:1/', '--control', '/run/c', '--insecure']],
    [['--token-file', 'token', '--config', 'file', '-W', 'host:22', '--control', '/run/c']],
  ])('is taken by %j', (words) => {
    expect(readShortWay(words)).toEqual({ path: '/run/c', target: 'host:22' });
  });

  it.each([
    [[]],
    [['-W', 'host:22']],
    [['--control', '/run/c']],
    [['--control', '/run/c', '-W']],
    [['--control', '/run/c', '-W', '']],
    [['--control', '-W', 'host:22']],
    [['-W', 'a:1', '-W', 'b:2', '--control', '/run/c']],
    [['doctor', '-W', 'host:22', '--control', '/run/c']],
    [['-W', 'host:22', '--control', '/run/c', '--help']],
    [['-W', 'host:22', '--control', '/run/c', '--log-level', 'debug']],
    [['-W', 'host:22', '--control', '/run/c', '--']],
    [['-W', 'host:22', '--control', '/run/c', '--toString', 'x']],
  ])('is not taken by %j', (words) => {
    expect(readShortWay(words)).toBeUndefined();
  });

  it('reads what the whole program would', () => {
    const values = ['host:22', '/run/c', 'wss://example.org/t', '', '-N', '--'];
    const flags = ['-W', '--stdio', '--control', '--config', '--token-file', '--token-command', '--listen', '-D', '-x'];
    const word = fc.oneof(
      fc.constantFrom(...flags, ...values, '--insecure', '-Whost:22', '--help'),
      fc.tuple(fc.constantFrom(...flags), fc.constantFrom(...values)).map((parts) => parts.join('=')),
    );
    const wanted = fc.constantFrom(['-W', 'a:1'], ['--control', '/c'], ['--stdio=a:1'], ['--control=/c'], ['-N']);
    const line = fc.array(fc.oneof({ weight: 3, arbitrary: wanted }, { weight: 2, arbitrary: word.map((w) => [w]) }));
    fc.assert(
      fc.property(line, (parts) => {
        const words = parts.flat();
        const short = readShortWay(words);
        if (short === undefined) return;
        const whole = readWhole(words);
        // What cannot stand together is told only where nobody answers.
        if (whole !== undefined) expect(short).toEqual({ path: whole['control'], target: whole['stdio'] });
      }),
      { numRuns: 2_000 },
    );
  });
});
