import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ProgramName, runCommand } from 'wsproxy-test-support/programs/command-line';
import { OPTIONS as CLIENT_OPTIONS } from '../../packages/client/src/options/options.js';
import { OPTIONS as SERVER_OPTIONS } from '../../packages/server/src/options/options.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const programs: [ProgramName, string][] = [
  ['wsproxy-client', 'packages/client'],
  ['wsproxy-server', 'packages/server'],
];

describe.each(programs)('%s', (name, folder) => {
  test('prints the usual options, with examples and exit codes, on a screen', async () => {
    const { code, stdout, stderr } = await runCommand(name, ['--help'], { token: null });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: ${name} `));
    expect(stdout).toContain('\nExamples:\n');
    expect(stdout).toContain('\nExit codes: ');
    expect(stdout).toContain('--help all');
    expect(stdout.trimEnd().split('\n').length).toBeGreaterThan(24);
    expect(stdout.trimEnd().split('\n').length).toBeLessThan(41);
  });

  test('prints every option for those who want all', async () => {
    const { code, stdout, stderr } = await runCommand(name, ['--help', 'all'], { token: null });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('\nExamples:\n');
    expect(stdout).toContain('\nExit codes: ');
    const rules = Object.values(name === 'wsproxy-client' ? CLIENT_OPTIONS : SERVER_OPTIONS);
    for (const { flags } of rules) if (flags?.startsWith('-')) expect(stdout).toContain(`  ${flags}`);
    const usual = await runCommand(name, ['--help'], { token: null });
    for (const { flags, usual: text } of rules)
      if (flags?.startsWith('-')) expect(usual.stdout.includes(`  ${flags} `)).toBe(text !== undefined);
  });

  test.each([[['--help']], [['--help', 'all']]])(
    'keeps what it tells of its options within 80 columns: %j',
    async (words) => {
      const { stdout } = await runCommand(name, words, { token: null });
      const [options = ''] = stdout.split('\nExamples:\n');
      expect(options.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );

  test('prints its version', async () => {
    const { code, stdout, stderr } = await runCommand(name, ['--version'], { token: null });
    const { version } = JSON.parse(read(`${folder}/package.json`)) as { version: string };
    expect([code, stdout, stderr]).toEqual([0, `${version}\n`, '']);
  });
});
