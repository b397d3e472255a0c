import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { keystreamReadable, sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { launch, runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { CREDENTIALS, startMicrosocks, startTinyproxy } from 'wsproxy-test-support/programs/third-party-proxy';
import { CuttingRelay, startCuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';

const SIZE = 32 * 1024 * 1024;
const SEED = 'proxied';

const KINDS = [
  { program: 'tinyproxy', scheme: 'http', startProxy: () => startTinyproxy() },
  { program: 'microsocks', scheme: 'socks5', startProxy: startMicrosocks },
];

/** Downloads through the client's port and compares. */
async function expectDownload(clientPort: number): Promise<void> {
  const files = await startWebFiles();
  const file = join(temporaryFolder(), 'file');
  const proxy = ['-x', `socks5h://127.0.0.1:${clientPort}`, '--silent', '--show-error', '--fail'];
  const ended = await run('curl', [...proxy, '--output', file, `http://127.0.0.1:${files.port}/${SEED}/${SIZE}`]);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(await sha256OfFile(file)).toBe(await sha256OfKeystream(SEED, SIZE));
}

/** The client ends at once, with one line that tells the cause and not the password. */
async function expectEnd(serverPort: number, proxy: string, line: RegExp, ...more: string[]): Promise<void> {
  const args = [
    `ws://127.0.0.1:${serverPort}/`,
    '--insecure',
    '--listen',
    '0',
    '--log-level',
    'error',
    '--proxy',
    proxy,
    ...more,
  ];
  const { code, stderr } = await runCommand('wsproxy-client', args);
  expect(stderr).toMatch(/^wsproxy-client: [^\n]+\n$/);
  expect(stderr).toMatch(line);
  expect(stderr).not.toMatch(/of-the-proxy|wrong-one/);
  expect(code).toBe(1);
}

describe.each(KINDS)('through $program', ({ program, scheme, startProxy }) => {
  skipUnlessInstalled(program);
  skipUnlessInstalled('curl');

  test('32 MiB come down and go up unchanged', async () => {
    const [server, proxyPort] = await Promise.all([startServer(), startProxy()]);
    const relay = await new CuttingRelay(proxyPort).start();
    const proxy = `${scheme}://${CREDENTIALS}@127.0.0.1:${relay.port}`;
    const { port } = await start('wsproxy-client', [`ws://127.0.0.1:${server.port}/`, '--insecure', '--proxy', proxy]);
    await expectDownload(port);
    const [files, file] = [await startWebFiles(), join(temporaryFolder(), 'file')];
    await pipeline(keystreamReadable(SEED, SIZE), createWriteStream(file));
    const upload = ['-x', `http://127.0.0.1:${port}`, '--silent', '-T', file, `http://127.0.0.1:${files.port}/upload`];
    const { stdout } = await run('curl', upload);
    expect(JSON.parse(stdout)).toEqual({ length: SIZE, sha256: await sha256OfKeystream(SEED, SIZE) });
    expect(relay.accepted).toBe(1);
  });

  test('a download goes on when the way to the proxy is cut, twice', async () => {
    const [server, proxyPort] = await Promise.all([startServer(), startProxy()]);
    const relay = await startCuttingRelay({ to: proxyPort, every: 8 * 1024 * 1024, kinds: ['reset', 'end'] });
    const proxy = `${scheme}://${CREDENTIALS}@127.0.0.1:${relay.port}`;
    const { port } = await start('wsproxy-client', [`ws://127.0.0.1:${server.port}/`, '--insecure', '--proxy', proxy]);
    await expectDownload(port);
    expect(relay.cuts).toBe(2);
  });

  test('a missing password and a wrong one are told', async () => {
    const [server, proxyPort] = await Promise.all([startServer(), startProxy()]);
    const place = `127.0.0.1:${proxyPort}`;
    await expectEnd(
      server.port,
      `${scheme}://${place}`,
      new RegExp(`proxy ${scheme}://${place} wants a user and password`),
    );
    await expectEnd(server.port, `${scheme}://user:wrong-one@${place}`, /refused the user and password/);
  });

  test('a server that nobody serves is told from a proxy that is dead', async () => {
    const [proxyPort, nobody] = await Promise.all([startProxy(), freePort()]);
    const attempt = (proxy: string) =>
      launch('wsproxy-client', [`ws://127.0.0.1:${nobody}/`, '--insecure', '--listen', '0', '--proxy', proxy]);
    const beyond = attempt(`${scheme}://${CREDENTIALS}@127.0.0.1:${proxyPort}`);
    await beyond.untilStderr(new RegExp(`the proxy ${scheme}://127.0.0.1:${proxyPort} (?!gave).* 127.0.0.1:${nobody}`));
    const dead = attempt(`${scheme}://${CREDENTIALS}@127.0.0.1:${nobody}`);
    await dead.untilStderr(
      new RegExp(`no connection to the proxy ${scheme}://127.0.0.1:${nobody}.*ECONNREFUSED.*--proxy none`),
    );
  });
});

// Of each kind at the same time: that takes 10 s.
test('a proxy that hangs is told by its name', async () => {
  const silent = await listen((socket) => void socket.resume());
  await Promise.all(
    KINDS.map(({ scheme }) => {
      const proxy = `${scheme}://127.0.0.1:${silent.port}`;
      const client = launch('wsproxy-client', ['ws://127.0.0.1:1/', '--insecure', '--listen', '0', '--proxy', proxy]);
      return client.untilStderr(new RegExp(`${proxy} gave no connection .* within 10 s`), 20_000);
    }),
  );
});

describe('microsocks', () => {
  skipUnlessInstalled('microsocks');

  test('is reached as GNOME writes it', async () => {
    const [server, proxyPort] = await Promise.all([startServer(), startMicrosocks()]);
    const relay = await new CuttingRelay(proxyPort).start();
    const place = `tunnel.example:${server.port}`;
    const args = [`ws://${place}/`, '--insecure', '--resolve', `${place}:127.0.0.1`];
    await start('wsproxy-client', args, { env: { all_proxy: `socks://${CREDENTIALS}@127.0.0.1:${relay.port}/` } });
    expect(relay.accepted).toBe(1);
  });
});

describe('tinyproxy with rules', () => {
  skipUnlessInstalled('tinyproxy');

  test('that forbid the port is told as that', async () => {
    const [server, proxyPort] = await Promise.all([startServer(), startTinyproxy(['ConnectPort 443'])]);
    const proxy = `http://${CREDENTIALS}@127.0.0.1:${proxyPort}`;
    await expectEnd(
      server.port,
      proxy,
      new RegExp(`does not allow 127.0.0.1:${server.port} \\(403\\).*: many proxies allow port 443 alone`),
      '--transport',
      'ws',
    );
  });
});

describe('the environment', () => {
  skipUnlessInstalled('tinyproxy');

  /** The server has a name that only `--resolve` knows, so that it is none of this machine's. */
  async function connections(env: (proxy: string) => Record<string, string>, more: string[] = []): Promise<number> {
    const [server, proxyPort] = await Promise.all([startServer(), startTinyproxy()]);
    const relay = await new CuttingRelay(proxyPort).start();
    const place = `tunnel.example:${server.port}`;
    const args = [`ws://${place}/`, '--insecure', '--resolve', `${place}:127.0.0.1`, ...more];
    await start('wsproxy-client', args, { env: env(`http://${CREDENTIALS}@127.0.0.1:${relay.port}`) });
    return relay.accepted;
  }

  test.each(['http_proxy', 'ALL_PROXY'])('names the proxy in %s', async (name) => {
    expect(await connections((proxy) => ({ [name]: proxy }))).toBe(1);
  });

  test('makes exceptions in NO_PROXY', async () => {
    expect(await connections((proxy) => ({ ALL_PROXY: proxy, NO_PROXY: '.example' }))).toBe(0);
  });

  test('gives way to --proxy none', async () => {
    expect(await connections((proxy) => ({ ALL_PROXY: proxy }), ['--proxy', 'none'])).toBe(0);
  });

  test('does not count for a server on this machine', async () => {
    const [{ port }, nobody] = await Promise.all([startServer(), freePort()]);
    await start('wsproxy-client', [`ws://127.0.0.1:${port}/`], { env: { ALL_PROXY: `http://127.0.0.1:${nobody}` } });
  });

  test('is judged like the flag, which keeps it from counting', async () => {
    const env = { HTTPS_PROXY: 'ftp://u:hidden@x' };
    const args = ['wss://tunnel.example:9/', '--listen', '0', '--resolve', 'tunnel.example:9:127.0.0.1'];
    const { code, stderr } = await runCommand('wsproxy-client', args, { env });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^wsproxy-client: HTTPS_PROXY: a proxy's URL cannot begin with ftp:[^\n]+\n$/),
    ]);
    await launch('wsproxy-client', [...args, '--proxy', 'none'], { env }).untilStderr(/ECONNREFUSED 127\.0\.0\.1:9/);
  });
});
