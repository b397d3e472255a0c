import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runFixture } from '../fixtures/run-fixture.js';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wsproxy-config-'));
  folders.push(folder);
  return folder;
}

const DEFAULTS = { tag: ['none'], echo: true, logLevel: 'info', logFormat: 'pretty' };

/** Writes the file, and gives its path. */
function write(text: string, path = join(temporaryFolder(), 'example.yaml')): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function optionsOf(args: string[], env: Record<string, string> = {}): Promise<unknown> {
  const { stdout, stderr } = await runFixture('program.mjs', args, { env });
  expect(stderr).toBe('');
  const { config, ...options } = JSON.parse(stdout) as Record<string, unknown>;
  return options;
}

describe('a configuration file', () => {
  it('holds any flag by its long name, parsed as on the command line', async () => {
    const path = write(`
      action: options
      grace: 2m
      listen: "[::1]:0"
      tag: [a, b c]
      loud: true
      echo: false
      log-level: debug
    `);
    expect(await optionsOf(['--config', path])).toEqual({
      ...DEFAULTS,
      grace: 120_000,
      listen: { host: '::1', port: 0 },
      tag: ['a', 'b c'],
      loud: true,
      echo: false,
      logLevel: 'debug',
    });
  });

  it('gives way to flags and arguments', async () => {
    const path = write('action: ok\ngrace: 2m\ntag: [a]\nlog-level: debug\n');
    const flags = ['options', '--grace', '1s', '--tag', 'x', '--tag', 'y', '--log-level', 'info'];
    expect(await optionsOf([...flags, '--config', path])).toEqual({ ...DEFAULTS, grace: 1000, tag: ['x', 'y'] });
  });

  it('takes a single value for a list', async () => {
    expect(await optionsOf(['options', '--config', write('tag: one\n')])).toEqual({ ...DEFAULTS, tag: ['one'] });
  });

  it('takes values as they are written, no matter what YAML makes of them', async () => {
    const path = write('tag: [0123, 1080:80, 1e3, 0x10]\n');
    expect(await optionsOf(['options', '--config', path])).toEqual({
      ...DEFAULTS,
      tag: ['0123', '1080:80', '1e3', '0x10'],
    });
  });

  it('counts paths from its own folder, and knows the home', async () => {
    const path = write('secret-file: token\n');
    expect(await optionsOf(['options', '--config', path])).toMatchObject({ secretFile: join(dirname(path), 'token') });
    const other = write('secret-file: ~/token\n');
    const env = { HOME: '/home/of/somebody' };
    expect(await optionsOf(['options', '--config', other], env)).toMatchObject({
      secretFile: '/home/of/somebody/token',
    });
  });

  it.each([
    ['XDG_CONFIG_HOME', ''],
    ['HOME', '.config'],
    ['USERPROFILE', '.config'],
  ])('is found below %s', async (variable, folder) => {
    const base = temporaryFolder();
    write('action: options\nloud: true\n', join(base, folder, 'wsproxy', 'example.yaml'));
    expect(await optionsOf([], { [variable]: base })).toEqual({ ...DEFAULTS, loud: true });
  });

  it('may be empty or missing where nobody named it', async () => {
    expect(await optionsOf(['options'], { HOME: temporaryFolder() })).toEqual(DEFAULTS);
    expect(await optionsOf(['options', '--config', write('# nothing yet\n')])).toEqual(DEFAULTS);
  });

  it('must be there when it was named', async () => {
    const { code, stderr } = await runFixture('program.mjs', ['options', '--config', '/nowhere/example.yaml']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^example: cannot read the configuration file \/nowhere\/example.yaml: there is no such file\n$/,
    );
    const folder = await runFixture('program.mjs', ['options', '--config', '/']);
    expect([folder.code, folder.stderr]).toEqual([
      2,
      'example: cannot read the configuration file /: it is a directory\n',
    ]);
  });

  it('is one document', async () => {
    const path = write('loud: true\n---\nloud: false\n');
    const { code, stderr } = await runFixture('program.mjs', ['options', '--config', path]);
    expect([code, stderr]).toEqual([2, `example: ${path}:2: a second document begins here (---); expected one\n`]);
  });

  it('cannot have two settings that exclude each other', async () => {
    const path = write('loud: true\nquiet: true\n');
    const { code, stderr } = await runFixture('program.mjs', ['config', 'check', path]);
    expect([code, stderr]).toEqual([2, `example: ${path}:2: quiet: cannot stand beside loud\n`]);
    expect(await optionsOf(['options', '--config', write('loud: true\nquiet: false\n')])).toMatchObject({ loud: true });
  });

  it('gives way to a flag that excludes one of its settings', async () => {
    for (const [flag, setting] of [
      ['--loud', 'quiet'],
      ['--quiet', 'loud'],
    ] as const) {
      const options = await optionsOf(['options', flag, '--config', write(`${setting}: true\n`)]);
      expect(options).toEqual({ ...DEFAULTS, [flag.slice(2)]: true });
    }
  });
});

const MISTAKES = `action: options
lissten: 1080
grace: 10
listen: 99999
log-level: loud
tag: [[nested]]
loud: yes please
echo: 1
grace: 1s
secret-file:
log-format: [pretty, json]
config: other.yaml
patience: 1s
`;

const TOLD = [
  [2, /unknown setting "lissten"; did you mean listen\?$/],
  [3, /grace: expected a number and a unit, such as 500ms/],
  [4, /listen: expected a port from 0 to 65535/],
  [5, /log-level: allowed choices are trace, debug/],
  [6, /tag: expected a value, not a mapping/],
  [7, /loud: expected true or false/],
  [8, /echo: expected true or false/],
  [9, /unique/],
  [10, /secret-file: expected a value/],
  [11, /log-format: expected one value, not a list/],
  [12, /unknown setting "config"; allowed are action, .*grace, lang, listen/],
  [13, /unknown setting "patience"; it is called grace now$/],
] as const;

describe('config check', () => {
  it('tells every mistake with its line, and ends with 2', async () => {
    const path = write(MISTAKES);
    const { code, stdout, stderr } = await runFixture('program.mjs', ['config', 'check', path]);
    expect([code, stdout]).toEqual([2, '']);
    const lines = stderr.trimEnd().split('\n');
    for (const [line, message] of TOLD) {
      const told = lines.find((text) => text.startsWith(`example: ${path}:${line}: `));
      expect(told, `line ${line}`).toMatch(message);
    }
    expect(lines).toHaveLength(TOLD.length);
  });

  it('says so when there is none', async () => {
    const path = write('loud: true\nlisten: 1080\n');
    const { code, stdout, stderr } = await runFixture('program.mjs', ['config', 'check', '--config', path]);
    expect([code, stdout, stderr]).toEqual([0, `${path}: no mistake in 2 settings\n`, '']);
  });

  it('points to the file of the service, if it is there, where no file was named and there is no default one', async () => {
    const service = write('loud: true\n');
    const none = 'there is no such file';
    const hint = `; the service has its settings in another file: --config ${service}`;
    const check = async (args: string[], serviceFile: string) => {
      const env = { HOME: temporaryFolder(), SERVICE_FILE: serviceFile };
      return (await runFixture('program.mjs', ['config', 'check', ...args], { env })).stderr;
    };
    expect(await check([], service)).toMatch(new RegExp(`example\\.yaml: ${none}${hint}\\n$`));
    expect(await check([], '/nowhere/example.yaml')).toMatch(new RegExp(`example\\.yaml: ${none}\\n$`));
    expect(await check(['/nowhere/example.yaml'], service)).toMatch(new RegExp(`example\\.yaml: ${none}\\n$`));
    expect(await check(['--config', '/nowhere/example.yaml'], service)).toMatch(new RegExp(`: ${none}\\n$`));
    expect(await check(['--config', service], '/nowhere/example.yaml')).toBe('');
  });

  it.each([
    ['a list', '- 1\n', /:1: expected settings/],
    ['a scalar', 'hello\n', /:1: expected settings/],
    ['broken YAML', 'loud: true\nlisten: "1080\n', /:\d: .*quote/i],
    ['an alias', 'tag: &a x\nsecret-file: *a\n', /:2: secret-file: expected a value/],
    ['control characters', 'grace: "\\e[31m"\n', /:1: grace/],
  ])('names the line of %s', async (_what, text, line) => {
    const { code, stderr } = await runFixture('program.mjs', ['config', 'check', write(text)]);
    expect(code).toBe(2);
    expect(stderr).toMatch(line);
    expect(stderr).not.toContain('\u001b');
  });
});

it('with a mistake keeps the program from starting, and points to the check', async () => {
  const { code, stdout, stderr } = await runFixture('program.mjs', ['options', '--config', write(MISTAKES)]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^example: [^\n]*example\.yaml:\d+: [^\n]*; 11 more: see example config check\n$/);
});

describe.runIf(process.platform !== 'win32')('a password in a configuration file', () => {
  const PROXIED = 'action: options\nlisten: "127.0.0.1:0"\ntag: ["http://user:hidden@proxy.example:3128"]\n';

  it('is for the eyes of its owner alone', async () => {
    const path = write(PROXIED);
    chmodSync(path, 0o644);
    for (const args of [
      ['--config', path],
      ['config', 'check', path],
    ]) {
      const { code, stderr } = await runFixture('program.mjs', args);
      expect(stderr).toMatch(/other users can read or change .* \(it holds a password\); run: chmod 600 [^\n]*\n$/);
      expect(stderr).not.toContain('hidden');
      expect(code).toBe(2);
    }
    chmodSync(path, 0o600);
    expect(await optionsOf(['--config', path])).toMatchObject({ tag: ['http://user:hidden@proxy.example:3128'] });
  });

  it('is none in a proxy that asks for no password, or an address with @ behind its host', async () => {
    const path = write('action: options\ntag: ["http://proxy.example:3128/", "https://a.example/b:c@d"]\n');
    chmodSync(path, 0o644);
    expect(await optionsOf(['--config', path])).toMatchObject({
      tag: ['http://proxy.example:3128/', 'https://a.example/b:c@d'],
    });
  });
});
