import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { launch, runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
const KEY = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol: wsproxy.v1'];
const UPGRADE_HEADERS = ['--http1.1', ...[...UPGRADE, ...KEY].flatMap((header) => ['--header', header])];

let decoy: string;

beforeEach(() => {
  const folder = temporaryFolder();
  decoy = join(folder, 'decoy');
  mkdirSync(decoy);
  writeFileSync(join(decoy, 'index.html'), 'a harmless page');
  writeFileSync(join(folder, 'secret'), 'a secret');
  symlinkSync('../secret', join(decoy, 'link'));
});

describe('a server with a decoy', () => {
  skipUnlessInstalled('curl');

  const startWithDecoy = () => start('wsproxy-server', ['--path', '/tunnel', '--decoy', decoy]);
  const curl = async (port: number, path: string, ...args: string[]) => {
    const common = ['--silent', '--path-as-is', '--max-time', '5', '--write-out', ' %{http_code}'];
    return (await run('curl', [...common, ...args, `http://127.0.0.1:${port}${path}`])).stdout;
  };

  test('shows its files and nothing else', async () => {
    const { port } = await startWithDecoy();
    expect(await curl(port, '/')).toBe('a harmless page 200');
    for (const path of ['/tunnel', '/link', '/../secret', '/..%2fsecret', '/none']) {
      expect(await curl(port, path)).toBe('Not Found\n 404');
    }
  });

  test('shows them also on a Unix socket that a dead server has left behind', async () => {
    const path = join(temporaryFolder(), 'socket');
    const launchThere = () =>
      launch('wsproxy-server', ['--listen', `unix:${path}`, '--decoy', decoy, '--log-format', 'json']);
    const killed = launchThere();
    await killed.untilStderr(/"ready"/);
    killed.signal('SIGKILL');
    await killed.ended;
    await launchThere().untilStderr(/"ready"/);
    expect((await run('curl', ['--silent', '--unix-socket', path, 'http://localhost/'])).stdout).toBe(
      'a harmless page',
    );
  });

  test('answers a stranger who asks for an upgrade like one who does not', async () => {
    const { port } = await startWithDecoy();
    for (const path of ['/', '/tunnel', '/none']) {
      const answers = [await curl(port, path), await curl(port, path, ...UPGRADE_HEADERS)];
      expect(answers[1]).toBe(answers[0]);
    }
    const wrong = ['--header', 'Authorization: Bearer wrong-wrong-wrong-wrong-wrong-wrong'];
    expect(await curl(port, '/tunnel', ...UPGRADE_HEADERS, ...wrong)).toBe('Not Found\n 404');
  });

  test('lets in the one who has the token', async () => {
    const { port, program } = await startWithDecoy();
    const client = await start('wsproxy-client', [`ws://127.0.0.1:${port}/tunnel`]);
    expect(client.port).toBeGreaterThan(0);
    expect(program.stderr).not.toMatch(/refused a request/);
  });

  test('tells a client of a wrong token what it tells strangers', async () => {
    const { port, program } = await startWithDecoy();
    const token = 'another-token-0123456789-abcdefghijklm';
    const { code, stderr } = await runCommand('wsproxy-client', [`ws://127.0.0.1:${port}/tunnel`, '--listen', '0'], {
      token,
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining('404')]);
    // The operator learns the cause.
    await program.untilStderr(/"status":401[^\n]*"\/tunnel"/);
  });
});

describe('a page', () => {
  skipUnlessInstalled('curl');

  test('is let in only from an origin that is allowed, and with the token', async () => {
    const { port } = await start('wsproxy-server', [
      '--allow-origin',
      'https://a.example',
      '--allow-origin',
      'https://b.example',
    ]);
    const status = async (origin: string, token = TOKEN) => {
      const headers = ['--header', `Origin: ${origin}`, '--header', `Authorization: Bearer ${token}`];
      // An upgrade that succeeds stays open, until curl has had enough.
      const args = ['--silent', '--output', '/dev/null', '--max-time', '1', '--write-out', '%{http_code}', ...headers];
      return (await run('curl', [...args, ...UPGRADE_HEADERS, `http://127.0.0.1:${port}/`])).stdout;
    };
    expect(
      await Promise.all(['https://a.example', 'https://b.example', 'https://c.example'].map((each) => status(each))),
    ).toEqual(['101', '101', '403']);
    expect(await status('https://a.example', 'wrong')).toBe('401');
  });
});

describe('wrong usage', () => {
  const cases: [string, string[], string][] = [
    ['a decoy that is no folder', ['--decoy', '/nowhere/at/all'], 'decoy: no such folder: /nowhere/at/all'],
    ['a trusted proxy by name', ['--trusted-proxy', 'example.org'], 'not a trusted proxy: "example.org"'],
    ['an origin with a path', ['--allow-origin', 'https://a.example/'], 'expected an origin without a path'],
    ['a Unix socket without a path', ['--listen', 'unix:'], 'Expected a path such as unix:/run/name.sock'],
  ];
  test.each(cases)('%s is told in one line', async (_, args, words) => {
    const { code, stderr } = await runCommand('wsproxy-server', args);
    expect({ code, lines: stderr.trim().split('\n').length }).toEqual({ code: 2, lines: 1 });
    expect(stderr).toContain(words);
  });

  test('a socket in a folder that is not there cannot be had', async () => {
    const { code, stderr } = await launch('wsproxy-server', ['--listen', 'unix:/nowhere/at/all']).ended;
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('unix:/nowhere/at/all: no such folder, or no permission'),
    ]);
  });
});
