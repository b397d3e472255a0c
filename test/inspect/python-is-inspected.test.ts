import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { run } from 'wsproxy-test-support/programs/program';
import { pythonWith } from 'wsproxy-test-support/programs/python';
import { skipMissing } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { startRecordedTunnel } from './recorded-tunnel.js';
import { DATA, PAGE, startSite } from './site.js';

const SCRIPT = fileURLToPath(new URL('use-site.py', import.meta.url));

test('Python gets all byte for byte as without inspection, with TLS and without, and all of it is seen', async (context) => {
  const python = await pythonWith('aiohttp');
  if (python === undefined) skipMissing(context, 'aiohttp of Python');
  const [folder, authority] = [temporaryFolder(), new Authority('of destinations')];
  atEnd(() => authority.remove());
  const trueCa = join(folder, 'true-ca.pem');
  writeFileSync(trueCa, authority.cert);
  const tunnel = await startRecordedTunnel({ trueCa: authority.cert, folder });
  const [secure, plain] = [await startSite(authority.issue('site', 'DNS:localhost')), await startSite()];
  const use = async (port: number, ca: string): Promise<string> => {
    const sites = [`https://localhost:${secure}`, `http://localhost:${plain}`];
    const { stdout, stderr } = await run(python, [SCRIPT, `http://127.0.0.1:${port}`, ca, ...sites]);
    expect(stderr).toBe('');
    return stdout;
  };
  const got = await use(tunnel.port, tunnel.ca);
  const entries = await tunnel.seen();
  expect(got).toBe(await use((await startTunnel()).port, trueCa));

  const form = entries.filter(({ request }) => request.method === 'POST').map(({ request }) => request.postData?.text);
  const messages = ['AAH/', 'AAH/', ...Array(2).fill(Buffer.from('long '.repeat(1_000)).toString('base64'))];
  expect(
    entries.map(({ request, response, _webSocketMessages }) => [
      `${request.method} ${request.url} ${response.status}`,
      _webSocketMessages?.map(({ data }) => data) ?? response.content.text,
    ]),
  ).toEqual(
    [`s://localhost:${secure}`, `://localhost:${plain}`].flatMap((site, n) => [
      [`GET http${site}/ 200`, PAGE],
      [`GET http${site}/data 200`, DATA],
      [`GET http${site}/events 200`, expect.stringContaining('data: event 3')],
      [`POST http${site}/echo 201`, form[n]],
      [`GET ws${site}/socket 101`, messages],
      [`GET ws${site}/socket 101`, messages],
    ]),
  );
});
