import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ProgramName, runCommand } from 'wsproxy-test-support/programs/command-line';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const programs: [ProgramName, string][] = [
  ['wsproxy-client', 'packages/client'],
  ['wsproxy-server', 'packages/server'],
];

describe.each(programs)('%s', (name, folder) => {
  test('prints its help with examples and exit codes on standard output', async () => {
    const { code, stdout, stderr } = await runCommand(name, ['--help'], { token: null });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: ${name} `));
    expect(stdout).toContain('\nExamples:\n');
    expect(stdout).toContain('\nExit codes: ');
  });

  test('keeps what it tells of its options within 80 columns', async () => {
    const { stdout } = await runCommand(name, ['--help'], { token: null });
    const [options = ''] = stdout.split('\nExamples:\n');
    expect(options.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('prints the help that stands in docs/options.md', async () => {
    const { stdout } = await runCommand(name, ['--help'], { token: null });
    const block = new RegExp(`\`\`\`[a-z]*\n(Usage: ${name} [^]*?)\n\`\`\``).exec(read('docs/options.md'))?.[1];
    expect(stdout.slice(0, block?.length)).toBe(block);
  });

  test('prints its version', async () => {
    const { code, stdout, stderr } = await runCommand(name, ['--version'], { token: null });
    const { version } = JSON.parse(read(`${folder}/package.json`)) as { version: string };
    expect([code, stdout, stderr]).toEqual([0, `${version}\n`, '']);
  });
});
