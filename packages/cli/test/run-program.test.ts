import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { runFixture, startFixture } from './fixtures/run-fixture.js';

describe('runProgram', () => {
  it('ends with 0 when the action is done', async () => {
    expect(await runFixture('program.mjs', ['ok'])).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
  });

  it.each(['--version', '-V'])('prints the version for %s', async (flag) => {
    expect(await runFixture('program.mjs', [flag])).toMatchObject({ code: 0, stdout: '1.2.3\n', stderr: '' });
  });

  it('prints help with the common options', async () => {
    const { code, stdout, stderr } = await runFixture('program.mjs', ['--help', 'all']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('--log-level <level>');
    expect(stdout).toContain('--log-format <format>');
  });

  it.each([
    [['--nonsense'], "unknown option '--nonsense'"],
    [['--lissten', '1'], "unknown option '--lissten' (Did you mean --listen?)"],
    [['ok', '--grace', 'soon'], "argument 'soon' is invalid. Expected a number and a unit"],
    [['ok', '--listen', '::1'], "argument '::1' is invalid. Expected [host:]port"],
    [['ok', '--log-level', 'loud'], "argument 'loud' is invalid. Allowed choices are trace, debug"],
    [['ok', '--grace', '\u001b[31m\n'], "argument '\\u001b[31m"],
  ])('ends with 2 and one line for the arguments %j', async (args, message) => {
    const { code, stdout, stderr } = await runFixture('program.mjs', args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^example: .*[^.]; see example --help\n$/);
    expect(stderr).toContain(message);
  });

  it('passes parsed options and defaults to the action', async () => {
    const { stdout } = await runFixture('program.mjs', ['options', '--grace', '2m', '--listen', '[::1]:0']);
    expect(JSON.parse(stdout)).toEqual({
      grace: 120_000,
      listen: { host: '::1', port: 0 },
      tag: ['none'],
      echo: true,
      logLevel: 'info',
      logFormat: 'pretty',
    });
  });

  it('ends with the exit code of an ExitError and its message on one line', async () => {
    expect(await runFixture('program.mjs', ['refused'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'example: the server refuses\\u000d\\u000athe token\n',
    });
  });

  it.each(['defect', 'uncaught', 'rejected'])('K17 ends with 70 and asks for a report: %s', async (action) => {
    const { code, stderr } = await runFixture('program.mjs', [action]);
    expect(code).toBe(70);
    expect(stderr).toMatch(
      /^example: internal error, please report it: TypeError: boom at .*program\.mjs:\d+:\d+\)?\n$/,
    );
  });

  it('gives a slow reader of standard output everything before it ends', async () => {
    const child = startFixture('program.mjs', ['data']);
    await once(child.stdout as NodeJS.ReadableStream, 'readable');
    expect(await text(child.stdout as NodeJS.ReadableStream)).toHaveLength(1_000_000);
  });

  it.each(['data', 'chatty', '--help'])('survives a standard output that is closed: %s', async (action) => {
    const child = startFixture('program.mjs', [action]);
    child.stdout?.destroy();
    const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr as NodeJS.ReadableStream)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it.runIf(existsSync('/dev/full')).each(['data', 'chatty', '--help'])(
    'goes on while standard output is full, and says at its end that something is missing there: %s',
    async (action) => {
      const full = openSync('/dev/full', 'w');
      const { code, stderr } = await runFixture('program.mjs', [action], { stdio: ['pipe', full, 'pipe'] });
      closeSync(full);
      const stderrLine = 'example: cannot write to standard output: no space left\n';
      expect({ code, stderr }).toEqual({ code: 1, stderr: stderrLine });
    },
  );
});
