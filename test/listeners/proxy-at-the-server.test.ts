import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { askConnect, askSocks5 } from 'wsproxy-test-support/sockets/application';
import { startCuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const MIB = 1024 * 1024;
const SIZE = 8 * MIB;
const CUTS = ['reset', 'end', 'reset', 'end'] as const;

/** A tunnel that is cut again and again, and a port of its server that is a proxy, dialled by the client where `allow` opens. */
async function prepare(allow: readonly string[] = []) {
  let cuts = () => 0;
  const tunnel = await startTunnel({
    server: { reverse: true },
    through: async (to) => {
      const relay = await startCuttingRelay({ to, every: 2 * MIB, kinds: CUTS });
      cuts = () => relay.cuts;
      return relay.port;
    },
  });
  const remote = await tunnel.client.forwardRemote({ port: 0, proxy: true, allow });
  return { ...tunnel, at: remote.address?.port ?? 0, cuts: () => cuts() };
}

describe.each(['socks5h', 'socks5', 'socks4a', 'http'])('curl with %s:// at the server', (scheme) => {
  skipUnlessInstalled('curl');

  test('gets whole what only the client reaches, though the tunnel is cut', async () => {
    const [{ at, cuts }, files] = await Promise.all([prepare(['127.0.0.1']), startWebFiles()]);
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const options = ['--silent', '--show-error', '--fail', '-x', `${scheme}://127.0.0.1:${at}`, '--output', file];
    const url = `http://127.0.0.1:${files.port}/seed/${SIZE}`;
    expect(await run('curl', [...options, url])).toMatchObject({ code: 0, stderr: '' });
    expect(await sha256OfFile(file)).toBe(await sha256OfKeystream('seed', SIZE));
    expect(cuts()).toBeGreaterThan(2);
  });
});

describe.each(['socks5', 'http'])('Chromium with --proxy-server=%s:// at the server', (scheme) => {
  skipUnlessInstalled('chromium');

  test('shows what only the client reaches', async () => {
    const [{ at }, { port }] = await Promise.all([
      prepare(['127.0.0.1']),
      listen((socket) =>
        socket.once('data', () =>
          socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>at the client</h1>'),
        ),
      ),
    ]);
    const browser = await startChromium(`--proxy-server=${scheme}://127.0.0.1:${at}`);
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    expect(await page.locator('h1').textContent()).toBe('at the client');
  });
});

test('what the rules of the client do not open stays closed, though the server asks for it', async () => {
  let knocks = 0;
  const [{ at, client }, canary] = await Promise.all([
    prepare(),
    listen((socket) => {
      knocks += 1;
      socket.destroy();
    }),
  ]);
  expect((await askSocks5(at, '127.0.0.1', canary.port))[0]).toBe(2);
  expect((await askSocks5(at, 'localhost', canary.port))[0]).toBe(2);
  expect((await askConnect(at, '169.254.169.254', 80))[0]).toBe(403);
  expect(knocks).toBe(0);
  expect(client.status().listeners).toMatchObject([{ target: 'proxy', state: 'listening', arrivalsSoFar: 3 }]);
});
