import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { launch, readyPort, runCommand, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';

/** Lines of a configuration file, and what is to be told of each that is wrong. */
const LINES: readonly [line: string, mistake?: RegExp][] = [
  ['# what a person might write'],
  ['url: [wss://near.example.org/tunnel, http://far.example.org/]', /^url: the URL must begin with wss:\/\/ or ws:/],
  ['token-file: nowhere', /^token-file: cannot read token file .*nowhere: no such file/],
  ['listen-on: 1080', /^unknown setting "listen-on"; did you mean listen\?$/],
  ['listen: [1080, 99999]', /^listen: expected a port from 0 to 65535$/],
  [''],
  ['grace: 10', /^grace: expected a number and a unit, such as 500ms/],
  ['log-level: loud', /^log-level: allowed choices are trace, debug, info/],
  ['insecure: yes please', /^insecure: expected true or false$/],
  ['connections: 17', /^connections: expected 1 to 16$/],
  ['bypass:'],
  ['  - 10.0.0.0/8'],
  ['  - 10.0.0.0/33', /^bypass: not a destination rule: "10\.0\.0\.0\/33"/],
  ['pin: sha256//short', /^pin: not a pin: "sha256\/\/short"; expected sha256\/\//],
  ['sni: 127.0.0.1', /^sni: not a name to ask for in TLS/],
  ['header: {X-Name: value}', /^header: expected a value, not a mapping or an alias$/],
  ['forward: 5432:db.example.org', /^forward: expected \[bind:\]port:host:hostport/],
  ['proxy: ftp://proxy.example.org', /^proxy: a proxy's URL cannot begin with ftp:/],
  ['resolve: near.example.org', /^resolve: not a resolution: "near.example.org"; expected host:port:address/],
  ['grace: 10s', /^Map keys must be unique$/],
];

function write(lines: readonly string[]): string {
  const file = join(temporaryFolder(), 'client.yaml');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe('wsproxy-client config check', () => {
  test('tells each of many mistakes, with its line', async () => {
    const file = write(LINES.map(([line]) => line));
    const { code, stdout, stderr } = await runCommand('wsproxy-client', ['config', 'check', file], { token: null });
    expect([code, stdout]).toEqual([2, '']);
    const told = stderr.trim().split('\n');
    const expected = LINES.flatMap(([, mistake], i) => (mistake === undefined ? [] : [{ line: i + 1, mistake }]));
    expect(told.length, stderr).toBe(expected.length);
    for (const [i, { line, mistake }] of expected.entries()) {
      const start = `wsproxy-client: ${file}:${line}: `;
      expect(told[i]?.slice(0, start.length)).toBe(start);
      expect(told[i]?.slice(start.length)).toMatch(mistake);
    }
  });

  test('finds none in the file that docs/client.md shows', async () => {
    const document = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
    const [, text = ''] = /```yaml\n([^]*?)```/.exec(document) ?? [];
    const file = write(text.split('\n'));
    writeFileSync(join(file, '../token'), TOKEN, { mode: 0o600 });
    const ended = await runCommand('wsproxy-client', ['config', 'check', file], { token: null });
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: `${file}: no mistake in 5 settings\n` });
  });
});

test('finds none in the file that docs/reverse.md shows', async () => {
  const [text = ''] = codeBlocks('reverse.md', 'yaml');
  const file = write(text.split('\n'));
  writeFileSync(join(file, '../token'), TOKEN, { mode: 0o600 });
  const ended = await runCommand('wsproxy-client', ['config', 'check', file], { token: null });
  expect(ended).toMatchObject({ code: 0, stderr: '', stdout: `${file}: no mistake in 3 settings\n` });
});

test('a client that is started with mistakes tells the first, and how many more there are', async () => {
  const file = write(['url: ws://127.0.0.1:9/', 'pin: x', 'sni: 1.2.3.4']);
  const { code, stderr } = await runCommand('wsproxy-client', ['--config', file]);
  const first = 'pin: not a pin: "x"; expected sha256// and 44 characters of Base64';
  expect([code, stderr]).toEqual([2, `wsproxy-client: ${file}:2: ${first}; 1 more: see wsproxy-client config check\n`]);
});

test('flags win over the file, and the file over the environment', async () => {
  const { port } = await startServer();
  const file = write([`url: ws://127.0.0.1:${port}/`, 'listen: 127.0.0.1:1', 'token-file: token', 'proxy: none']);
  writeFileSync(join(file, '../token'), TOKEN, { mode: 0o600 });
  const env = { ALL_PROXY: 'socks5://127.0.0.1:1', WSPROXY_TOKEN: `another-${TOKEN}` };
  const program = launch('wsproxy-client', ['--config', file, '-D', '0', '--log-format', 'json'], { token: null, env });
  expect(await readyPort(program)).not.toBe(1);
});
