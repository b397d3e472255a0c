import { describe, expect, test } from 'vitest';
import { type ProgramName, runCommand, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startServer } from 'wsproxy-test-support/tunnel';

const URL = 'ws://127.0.0.1:9/';

/** Ends with this code, and with one line on standard error that says what is wrong. */
async function expectRefusal(name: ProgramName, args: readonly string[], code: number, line: RegExp): Promise<void> {
  const ended = await runCommand(name, args);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(/^[^\n]+\n$/);
  expect(ended.stderr).toMatch(line);
  expect(ended.stderr).toMatch(new RegExp(`^${name}: `));
  expect(ended.stderr).not.toContain(TOKEN);
}

describe('wsproxy-client ends with exit code 2 and one line for', () => {
  test.each<[string, string[], RegExp]>([
    ['no URL', [], /no server.*wss:\/\//],
    [
      'more token files than servers',
      [URL, '--token-file', 'a', '--token-file', 'b'],
      /2 for 1 server; give one for all/,
    ],
    ['a second server that is not a URL', [URL, 'localhost'], /not a URL: "localhost"/],
    ['something that is not a URL', ['localhost'], /not a URL: "localhost".*wss:\/\//],
    ['an http:// URL', ['http://localhost/'], /must begin with wss:\/\/ or ws:\/\//],
    ['a URL with a password', [`wss://user:${TOKEN}@localhost/`], /must not carry a user or password/],
    ['an unknown option', [URL, '--fast'], /unknown option '--fast'.*--help/],
    ['a token among the arguments', [URL, '--token', 'x'], /no --token.*--token-file FILE, or set WSPROXY_TOKEN/],
    ['the line for init among the arguments', ['init', `wss://localhost/#${TOKEN}`], /run wsproxy-client init alone/],
    ['an option without its value', [URL, '--listen'], /argument missing/],
    ['a port that is none', [URL, '--listen', '99999'], /0 to 65535/],
    ['an address that is none', [URL, '--listen', 'a:b:c'], /Expected \[host:\]port/],
    ['a duration without a unit', [URL, '--grace', '10'], /30s/],
    ['a log level that is none', [URL, '--log-level', 'loud'], /debug/],
    ['G13 ws:// to another machine', ['ws://192.0.2.1/'], /token in clear.*wss:\/\/.*--insecure/],
    ['G13 ws:// to a name', ['ws://proxy.invalid/'], /token in clear.*wss:\/\/.*--insecure/],
    ['G13 ws:// to a name that begins like loopback', ['ws://127.0.0.1.invalid/'], /token in clear/],
  ])('%s', async (_what, args, line) => {
    await expectRefusal('wsproxy-client', args, 2, line);
  });
});

test.each([
  ['a name alone', 'proxy.example.org', /^wsproxy-client: url: not a URL: "proxy.example.org"; expected wss:\/\//],
  ['the line for init', `wss://proxy.example.org/#${TOKEN}`, /which wsproxy-client init reads\n$/],
])('wsproxy-client says what is wrong with %s before it asks for a token', async (_what, url, line) => {
  const { code, stderr } = await runCommand('wsproxy-client', [url], { token: null });
  expect(code).toBe(2);
  expect(stderr).toMatch(line);
  expect(stderr).not.toContain(TOKEN);
});

describe('wsproxy-server ends with exit code 2 and one line for', () => {
  test.each<[string, string[], RegExp]>([
    ['an argument', ['8080'], /there is no command '8080', and no flag before it takes a value/],
    ['a misspelt command', ['toke'], /unknown command 'toke' \(Did you mean token\?\)/],
    ['an unknown option', ['--fast'], /unknown option '--fast'.*--help/],
    ['a token among the arguments', ['--token=x'], /no --token.*--token-file FILE, or set WSPROXY_TOKEN/],
    [
      'an option by the name that it had before',
      ['--max-opens-per-second', '5'],
      /there is no --max-opens-per-second; it is called --max-failed-dials-per-second now/,
    ],
    ['a path without a slash', ['--path', 'tunnel'], /--path.*\/tunnel/],
    ['a path with a query', ['--path', '/tunnel?x'], /--path/],
    ['a port that is none', ['--listen', '99999'], /0 to 65535/],
    ['a peer without a door for it', ['--peer', 'b=10.0.0.2:7000'], /--peer: it takes --cluster-listen/],
    ['a certificate for a cluster, and no door', ['--cluster-cert', 'x'], /--cluster-cert: it takes --cluster-listen/],
    ['a door for other servers without a name', ['--cluster-listen', '0'], /--cluster-listen: it takes --node NAME/],
    [
      'a door for other servers without certificates',
      ['--cluster-listen', '0', '--node', 'a'],
      /--cluster-listen: it takes --cluster-cert FILE, --cluster-key FILE and --cluster-ca FILE/,
    ],
    [
      'a peer that is there twice',
      '--cluster-listen 0 --node a --cluster-cert x --cluster-key x --cluster-ca x --peer b=h:1 --peer b=h:2'.split(
        ' ',
      ),
      /--peer: b is there twice/,
    ],
    [
      'a peer that is this server by another name',
      ['--cluster-listen', '127.0.0.1:7000', '--node', 'a', '--peer', 'b=127.0.0.1:7000'].concat(
        '--cluster-cert x --cluster-key x --cluster-ca x'.split(' '),
      ),
      /--peer: b is at the address of --cluster-listen, but --node is a; one server has one name/,
    ],
    [
      'a cluster certificate that cannot be read',
      '--cluster-listen 0 --node a --cluster-cert no-file --cluster-key x --cluster-ca x'.split(' '),
      /cannot read the file of --cluster-cert \(no-file\): no such file; check the path given with --cluster-cert/,
    ],
    ['a peer that is none', ['--peer', 'b'], /--peer.*NAME=HOST:PORT/],
    ['a socket for other servers', ['--cluster-listen', 'unix:/run/x'], /--cluster-listen.*Expected \[host:\]port/],
    ['a port for names where no client may listen', ['--reverse-http', '0'], /--reverse-http: it takes --reverse/],
    [
      'host names without the port for them',
      ['--reverse', '--allow-listen', '*:8443', '--allow-listen', 'http:*.example.org'],
      /--allow-listen: "http:\*\.example\.org" takes --reverse-http/,
    ],
    ['tickets for no page', ['--tickets', '/ticket'], /--tickets: it takes --allow-origin/],
    ['where to listen, and not that', ['--allow-listen', '127.0.0.1:8000'], /--allow-listen: it takes --reverse/],
  ])('%s', async (_what, args, line) => {
    await expectRefusal('wsproxy-server', args, 2, line);
  });
});

describe('a port that is in use ends with exit code 1 and one line', () => {
  test('wsproxy-server', async () => {
    const { port } = await listen((socket) => socket.destroy());
    const line = new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use.*--listen`);
    await expectRefusal('wsproxy-server', ['--listen', String(port), '--log-level', 'silent'], 1, line);
  });

  test('wsproxy-client', async () => {
    const [{ port: serverPort }, { port }] = [await startServer(), await listen((socket) => socket.destroy())];
    const line = new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use.*--listen`);
    const args = [`ws://127.0.0.1:${serverPort}/`, '--listen', String(port), '--log-level', 'silent'];
    await expectRefusal('wsproxy-client', args, 1, line);
  });
});
