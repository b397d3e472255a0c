import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCommand } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const PROGRAMS = ['wsproxy-client', 'wsproxy-server'] as const;

/** A file with what `completion SHELL` prints. */
async function scriptFor(program: (typeof PROGRAMS)[number], shell: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, ['completion', shell], { token: null });
  expect([code, stderr]).toEqual([0, '']);
  const file = join(temporaryFolder(), 'completion');
  writeFileSync(file, stdout);
  return file;
}

/** What a shell prints, each line by itself. */
async function linesOf(shell: string, args: readonly string[], cwd?: string): Promise<string[]> {
  const { stdout, stderr } = await run(shell, args, cwd === undefined ? {} : { cwd });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

/** Lines before the cursor, and what is among the words that are offered. */
const ROWS: readonly [program: (typeof PROGRAMS)[number], line: string, offered: readonly string[]][] = [
  ['wsproxy-client', 'wsproxy-client --token-f', ['--token-file']],
  ['wsproxy-client', 'wsproxy-client --log-level de', ['debug']],
  ['wsproxy-client', 'wsproxy-client do', ['doctor']],
  ['wsproxy-client', 'wsproxy-client doctor --thr', ['--throughput']],
  ['wsproxy-client', 'wsproxy-client completion f', ['fish']],
  ['wsproxy-server', 'wsproxy-server --max-sess', ['--max-sessions', '--max-sessions-per-user']],
  ['wsproxy-server', 'wsproxy-server --udp-filter ', ['address', 'port', 'none']],
  ['wsproxy-server', 'wsproxy-server token --exp', ['--expires']],
  ['wsproxy-server', 'wsproxy-server config c', ['check']],
];

describe('bash completes', () => {
  skipUnlessInstalled('bash');

  async function complete(program: (typeof PROGRAMS)[number], line: string, cwd?: string): Promise<string[]> {
    const words = line.split(' ');
    const list = words.map((word) => `'${word}'`).join(' ');
    const ask = `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _${program.replace('-', '_')}`;
    const code = `source '${await scriptFor(program, 'bash')}'; ${ask} 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return linesOf('bash', ['--norc', '-c', code], cwd);
  }

  test.each(ROWS)('%s: %j', async (program, line, offered) => {
    expect(await complete(program, line)).toEqual(offered);
  });

  test('leaves names of files to bash itself', async () => {
    expect(await complete('wsproxy-client', 'wsproxy-client --ca ')).toEqual([]);
  });
});

describe('fish completes', () => {
  skipUnlessInstalled('fish');

  async function complete(program: (typeof PROGRAMS)[number], line: string, cwd?: string): Promise<string[]> {
    const file = await scriptFor(program, 'fish');
    const lines = await linesOf('fish', ['--no-config', '-c', `source '${file}'; complete -C '${line}'`], cwd);
    return lines.map((each) => each.split('\t')[0] ?? '');
  }

  test.each(ROWS)('%s: %j', async (program, line, offered) => {
    expect((await complete(program, line)).sort()).toEqual([...offered].sort());
  });

  test('names of files', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'authority.pem'), '');
    expect(await complete('wsproxy-client', 'wsproxy-client --ca auth', folder)).toEqual(['authority.pem']);
  });
});

describe('zsh completes', () => {
  skipUnlessInstalled('zsh');

  /** What stands on the command line after Tab; zsh completes only where there is a terminal. */
  async function complete(
    program: (typeof PROGRAMS)[number],
    line: string,
    until: string,
    cwd?: string,
  ): Promise<string> {
    const file = await scriptFor(program, 'zsh');
    const code = `
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell "PS1='ready> '; autoload -Uz compinit; compinit -u -D; source '${file}'"
      zpty -r shell seen '*ready> '
      zpty -n -w shell $'${line}\\t'
      zpty -r shell seen '*${until}*'
      print -r -- "$seen"
      zpty -d shell`;
    return (await linesOf('zsh', ['-f', '-c', code], cwd)).join('\n');
  }

  test.each(ROWS.filter(([, , offered]) => offered.length === 1))('%s: %j', async (program, line, [offered = '']) => {
    expect(await complete(program, line, `${line.replace(/\S+$/, '')}${offered} `)).toContain(offered);
  });

  test('names of files', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'authority.pem'), '');
    expect(await complete('wsproxy-client', 'wsproxy-client --ca auth', 'authority.pem', folder)).toContain(
      'authority.pem',
    );
  });
});

test.each(PROGRAMS)('%s prints what PowerShell needs, with every flag', async (program) => {
  const { stdout } = await runCommand(program, ['completion', 'powershell'], { token: null });
  expect(stdout).toContain(`Register-ArgumentCompleter -Native -CommandName '${program}'`);
  const help = await runCommand(program, ['--help', 'all'], { token: null });
  const [options = ''] = help.stdout.split('\nCommands:\n');
  const flags = [...options.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag);
  expect(flags.length).toBeGreaterThan(30);
  for (const flag of flags) expect(stdout).toContain(`'${flag}'`);
});

test('a shell that there is no completion for is told in one line', async () => {
  const { code, stderr } = await runCommand('wsproxy-client', ['completion', 'csh'], { token: null });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^wsproxy-client: .*csh.*bash, zsh, fish, powershell[^\n]*\n$/);
});
