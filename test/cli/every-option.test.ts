import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OptionRule, OptionTable } from 'wsproxy-node/options';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { launch, type ProgramName, readyPort, runCommand, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { COMMON_OPTIONS } from '../../packages/cli/src/options/common-options.js';
import { OPTIONS as CLIENT_OPTIONS } from '../../packages/client/src/options/options.js';
import { OPTIONS as SERVER_OPTIONS } from '../../packages/server/src/options/options.js';

const PROGRAMS: [ProgramName, OptionTable][] = [
  ['wsproxy-client', { ...CLIENT_OPTIONS, ...COMMON_OPTIONS }],
  ['wsproxy-server', { ...SERVER_OPTIONS, ...COMMON_OPTIONS }],
];

/** Of each unit, what an option takes (two that can stand beside each other), and what it does not. */
const VALUES: Readonly<Record<string, readonly [one: string, other: string, wrong: string]>> = {
  address: ['127.0.0.1:0', 'unix:/tmp/wsproxy-options.sock', '99999'],
  advertised: ['203.0.113.7:5000-5100', '2001:db8::7', '203.0.113.7:9-5'],
  'allow rule': ['10.1.0.0/16:5432', '*.example.org', '10.0.0.0/33'],
  archive: ['seen.har', 'other.har', 'seen.txt'],
  choice: ['', '', 'neither'],
  file: ['users', 'users', 'no-such-file'],
  folder: ['folder', 'folder', 'no-such-folder'],
  command: ['pass show wsproxy', 'cat token', ' '],
  forward: ['8080:example.org:80', '127.0.0.1:8081:[2001:db8::1]:80', '8080:example.org'],
  headers: ['X-One: 1', 'X-Two: a:b', 'Connection: x'],
  host: ['front.example', 'front.example:8443', 'a b'],
  'advertised address': ['10.0.0.2:7000', '[2001:db8::2]:7000', '10.0.0.2'],
  'IP address': ['127.0.0.1', '::1', 'eth0'],
  'inspect rule': ['10.0.0.0/8', '*.corp.example', '*'],
  'listen rule': ['127.0.0.1:8000-8099', 'unix:/run/wsproxy/*', '*:1-65535'],
  name: ['front.example', 'front.example', '127.0.0.1'],
  nameserver: ['192.0.2.53', '[2001:db8::53]:5353', 'dns.example.org'],
  'node name': ['ams-1', 'ams-1', 'Ams 1'],
  origin: ['https://example.org', 'https://example.com:8443', 'example.org'],
  path: ['/tunnel', '/tunnel', 'tunnel'],
  PEM: ['cert', 'cert', 'no-such-file'],
  'PEM key': ['key', 'key', 'no-such-file'],
  peer: ['ams-2=10.0.0.2:7000', 'lon=[2001:db8::2]:7000', 'ams-2'],
  pin: [`sha256//${'A'.repeat(43)}=`, `sha256//${'B'.repeat(42)}A=`, 'sha256//short'],
  ports: ['25', '1-1023', 'smtp'],
  proxy: ['socks5://proxy.example:1080', 'socks5://proxy.example', 'ftp://user:hidden@proxy.example'],
  range: ['10.0.0.0/8', 'unix', '10.0.0.0/33'],
  'remote forward': ['8080:localhost:80', 'tls:db.example.org:[2001:db8::1]:5432', '8080:localhost'],
  resolution: ['proxy.example:443:192.0.2.1', '[2001:db8::1]:443:192.0.2.1', 'proxy.example:443'],
  rule: ['10.0.0.0/8', '*.corp.example', '10.0.0.0/33'],
  'server address': ['127.0.0.1:0', 'systemd', '99999'],
  'server name': ['gateway-1', 'gateway-1', 'two words'],
  'store address': ['redis://store.example', 'unix:///run/redis.sock', 'ftp://user:hidden@store.example'],
  'state file': ['quota.json', 'quota.json', '/no/such/folder/quota.json'],
  'socket path': ['control', 'control', `/tmp/${'x'.repeat(100)}`],
  switch: ['true', 'false', 'perhaps'],
  target: ['example.org:80', 'example.org:80', 'example.org'],
  'TCP address': ['127.0.0.1:0', '0', '99999'],
  'ticket path': ['/ticket', '/ticket', 'ticket'],
  token: ['token', 'token', 'no-such-file'],
  'wisp path': ['/wisp/', '/wisp/', '/wisp'],
  message: ['hello', 'hello', ''],
  URL: ['wss://one.example/', 'wss://two.example/', 'https://example.org/'],
  workers: ['2', 'auto', '0'],
  users: ['users.yaml', 'users.yaml', 'no-such-file'],
};
const NUMBERS: Readonly<Record<string, readonly [one: string, other: string, wrong: string]>> = {
  count: ['4', '4', '99999999999'],
  ms: ['30s', '30s', '9999h'],
  bytes: ['2M', '2M', '99999T'],
  rate: ['2M', '2M', '1'],
};
/** What cannot stand in a file beside all others, or needs what this test does not make. */
const LEFT_OUT = [
  'cluster',
  'clusterAdvertise',
  'storeAway',
  'usersFromStore',
  'egress.upstream',
  'ipv6',
  'stdio',
  'tls.clientCrl',
  'tokenCommand',
];

let folder: string;
skipUnlessInstalled('openssl');
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wsproxy-options-'));
  await makeCertificate(folder, 'IP:127.0.0.1', 1);
  mkdirSync(join(folder, 'folder'));
  const secret = { mode: 0o600 };
  writeFileSync(join(folder, 'token'), TOKEN, secret);
  writeFileSync(join(folder, 'users'), 'alice:password\n', secret);
  writeFileSync(join(folder, 'users.yaml'), `- { id: alice, token: "sha256:${'1'.repeat(64)}" }\n`, secret);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Its name in a file, or undefined. */
function settingOf({ flags = '' }: OptionRule): string | undefined {
  return /--(?:no-)?([\w-]+)/.exec(flags)?.[1] ?? /^\[(\w+)/.exec(flags)?.[1];
}

function valuesOf(rule: OptionRule): readonly [one: string, other: string, wrong: string] {
  if ('choices' in rule) return [String(rule.choices[0]), String(rule.choices[1]), 'neither'];
  const values = VALUES[rule.unit] ?? NUMBERS[rule.unit];
  if (values === undefined) throw new Error(`this test has no values of the unit ${rule.unit}`);
  return values;
}

function isRepeatable({ flags = '', list }: OptionRule): boolean {
  return list !== undefined || flags.includes('...]');
}

/** Of a table, those that can stand in a file. */
function settingsOf(table: OptionTable): { key: string; setting: string; rule: OptionRule }[] {
  return Object.entries(table).flatMap(([key, rule]) => {
    const setting = settingOf(rule);
    return setting === undefined ? [] : { key, setting, rule };
  });
}

/** A file with these settings, a line each. */
function write(settings: readonly [setting: string, value: unknown][]): string {
  const path = join(folder, 'options.yaml');
  // JSON is YAML.
  const lines = settings.map(([setting, value]) => `${setting}: ${JSON.stringify(value)}\n`);
  writeFileSync(path, lines.join(''), { mode: 0o600 });
  return path;
}

/** As it stands in a file. */
function inFile({ unit }: OptionRule, value: string): unknown {
  return unit === 'switch' && value !== 'perhaps' ? value === 'true' : value;
}

const check = (name: ProgramName, file: string) => runCommand(name, ['config', 'check', file], { token: null });

describe.each(PROGRAMS)('a configuration file of %s', (name, table) => {
  const all = settingsOf(table);
  const together = all.filter(({ key }) => !LEFT_OUT.includes(key));

  test('takes one value for every option', async () => {
    const file = write(together.map(({ setting, rule }) => [setting, inFile(rule, valuesOf(rule)[0])]));
    const stdout = `${file}: no mistake in ${together.length} settings\n`;
    expect(await check(name, file)).toMatchObject({ code: 0, stderr: '', stdout });
  });

  test.each([1, 2])('takes a list of %d for every option that may be repeated', async (length) => {
    const repeatable = together.filter(({ rule }) => isRepeatable(rule));
    expect(repeatable.length).toBeGreaterThan(5);
    // Without these --allow-listen and --peer are mistakes.
    const needs = ['reverse', 'node', 'clusterListen', 'clusterCert', 'clusterKey', 'clusterCa'];
    const needed = all.filter(({ key }) => needs.includes(key));
    const file = write([
      ...needed.map(({ setting, rule }): [string, unknown] => [setting, inFile(rule, valuesOf(rule)[0])]),
      ...repeatable.map(({ setting, rule }): [string, unknown] => [setting, valuesOf(rule).slice(0, length)]),
    ]);
    expect(await check(name, file)).toMatchObject({ code: 0, stderr: '' });
  });

  test('refuses a list for every other option, in one line each', async () => {
    const single = all.filter(({ rule }) => !isRepeatable(rule));
    const file = write(single.map(({ setting, rule }) => [setting, [inFile(rule, valuesOf(rule)[0])]]));
    const { code, stderr } = await check(name, file);
    expect(code).toBe(2);
    expect(stderr.trimEnd().split('\n')).toEqual(
      single.map(({ setting }, i) => `${name}: ${file}:${i + 1}: ${setting}: expected one value, not a list`),
    );
  });

  test('tells every option that has a wrong value by its name, in its line, and quotes no secret', async () => {
    const file = write(all.map(({ setting, rule }) => [setting, valuesOf(rule)[2]]));
    const { code, stdout, stderr } = await check(name, file);
    expect([code, stdout]).toEqual([2, '']);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.map((line) => line.slice(`${name}: ${file}:`.length).split(': ', 2).join(' '))).toEqual(
      all.map(({ setting }, i) => `${i + 1} ${setting}`),
    );
    expect(stderr).not.toMatch(/hidden|internal error| {4}at /);
  });
});

describe.each(PROGRAMS)('%s', (name, table) => {
  const flags = settingsOf(table).flatMap(({ setting, rule }) =>
    rule.unit === 'switch' ? [] : [[setting, rule] as const],
  );

  test.each(flags)('tells a wrong --%s in one line that names it', async (setting, rule) => {
    const isArgument = !rule.flags?.startsWith('-');
    const wrong = valuesOf(rule)[2];
    const url = name === 'wsproxy-client' && !isArgument ? ['wss://proxy.example/'] : [];
    const ended = await runCommand(name, [...url, ...(isArgument ? [wrong] : [`--${setting}`, wrong])]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^${name}: [^\\n]*${setting}[^\\n]*\\n$`));
    expect(ended.stderr).not.toMatch(/hidden|internal error/);
  });
});

test('a server starts with lists and single values in its configuration file', async () => {
  const settings = ['allow: [10.1.0.0/16:5432, example.org:25]', 'deny: 203.0.113.7', 'allow-port: 25'];
  const more = ['bind-address: [127.0.0.1]', 'dns: 192.0.2.53', 'listen: 127.0.0.1:0', 'log-format: json'];
  const file = join(folder, 'start.yaml');
  writeFileSync(file, [...settings, ...more].join('\n'));
  expect(await readyPort(launch('wsproxy-server', ['--config', file]))).toBeGreaterThan(0);
});
