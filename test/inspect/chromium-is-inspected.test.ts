import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startChromiumIn } from 'wsproxy-test-support/programs/chromium';
import { runCommand } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { startRecordedTunnel } from './recorded-tunnel.js';
import { DATA, PAGE, startSite } from './site.js';
import { useSite } from './use-site.js';

skipUnlessInstalled('chromium');
skipUnlessInstalled('certutil');

test('Chromium that trusts the CA gets all byte for byte as without inspection, and all of it is seen', async () => {
  const [home, authority] = [temporaryFolder(), new Authority('of destinations')];
  atEnd(() => authority.remove());
  const [secure, plain] = [await startSite(authority.issue('site', 'DNS:localhost')), await startSite()];
  const tunnel = await startRecordedTunnel({
    trueCa: authority.cert,
    folder: join(home, '.local/state/wsproxy/inspect'),
  });

  const [database, bin, trueCa] = [join(home, '.pki/nssdb'), join(home, 'bin'), join(home, 'true-ca.pem')];
  for (const path of [database, bin]) mkdirSync(path, { recursive: true });
  writeFileSync(trueCa, authority.cert);
  // Another one would let it change the CAs of this machine.
  symlinkSync('/usr/bin/certutil', join(bin, 'certutil'));
  const certutil = (...args: readonly string[]) => run('certutil', ['-d', `sql:${database}`, ...args]);
  await certutil('-N', '--empty-password');
  const env = { HOME: home, XDG_STATE_HOME: '', PATH: bin };
  const visit = async (port: number): Promise<object> => {
    const browser = await startChromiumIn(home, `--proxy-server=socks5://127.0.0.1:${port}`);
    const page = await browser.newPage();
    await page.goto(`https://localhost:${secure}/`);
    const got = await page.evaluate(useSite, plain);
    await browser.close();
    return got;
  };

  const { stdout } = await runCommand('wsproxy-client', ['ca', 'trust'], { token: null, env });
  expect(stdout).toContain('It is trusted now by Chromium and Chrome.');
  const got = await visit(tunnel.port);
  // It asks for the icon whenever it likes.
  const entries = (await tunnel.seen()).filter(({ request }) => !request.url.endsWith('/favicon.ico'));
  await certutil('-A', '-t', 'C,,', '-n', 'of destinations', '-i', trueCa);
  expect(got).toEqual(await visit((await startTunnel()).port));
  expect(got).toMatchObject({ data: DATA, form: ['me', expect.stringMatching(/^\d+(,\d+){31}$/)] });

  const messages = ['hello', 'hello', 'long '.repeat(1_000), 'long '.repeat(1_000), 'AAH/', 'AAH/'];
  const seen = entries.map(({ request, response, _webSocketMessages }) => [
    `${request.method} ${request.url} ${request.httpVersion} ${response.status}`,
    _webSocketMessages?.map(({ data }) => data) ?? response.content.text,
  ]);
  const echo = entries.find(({ request }) => request.method === 'POST');
  const site = `://localhost:${secure}`;
  expect(Object.fromEntries(seen)).toEqual({
    [`GET https${site}/ HTTP/2.0 200`]: PAGE,
    [`POST https${site}/echo HTTP/2.0 201`]: echo?.request.postData?.text,
    [`GET https${site}/events HTTP/2.0 200`]: expect.stringContaining('data: event 3'),
    [`GET https${site}/data HTTP/2.0 200`]: DATA,
    // RFC 8441
    [`CONNECT wss${site}/socket HTTP/2.0 200`]: messages,
    [`GET ws://localhost:${plain}/socket HTTP/1.1 101`]: messages,
  });
  expect(echo?.request.postData?.text).toContain('name="user"');
});
