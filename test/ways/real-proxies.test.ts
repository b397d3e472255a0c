import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startCaddy } from 'wsproxy-test-support/programs/caddy';
import { start } from 'wsproxy-test-support/programs/command-line';
import { startHaproxy } from 'wsproxy-test-support/programs/haproxy';
import { prepareNginx } from 'wsproxy-test-support/programs/nginx';
import { Program } from 'wsproxy-test-support/programs/program';
import { type StartProxy, startBehind } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { expectCarried } from './carries.js';
import { NO_TUNNELS, running, startSquid } from './squid.js';

const SIZE = 8 * 1024 * 1024;
const FOUND_WITHIN = 3_000;

describe('auto, through nginx without Upgrade', () => {
  skipUnlessInstalled('nginx');

  test.each([
    ['that passes on what comes', 'proxy_request_buffering off; proxy_http_version 1.1;'],
    ['with its usual settings', ''],
    [
      'that holds back all it can',
      'proxy_ignore_headers X-Accel-Buffering; proxy_buffers 8 64k; proxy_buffer_size 64k;',
    ],
    ['that takes small bodies alone', 'client_max_body_size 64k;'],
  ])('%s, finds its way within 3 s, and carries', async (_, settings) => {
    const { port: serverPort } = await startServer();
    const [folder, port] = [temporaryFolder(), await freePort()];
    const text = `user root; worker_processes 1; events {} http { access_log off; server {
      listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${serverPort}; ${settings} } } }`;
    await running(new Program('nginx', prepareNginx(folder, text)), port);
    const began = performance.now();
    const client = await startClient(port);
    expect(performance.now() - began).toBeLessThan(FOUND_WITHIN);
    await expectCarried(client.port, SIZE);
  });
});

describe.each<[string, StartProxy]>([
  ['haproxy', startHaproxy],
  ['caddy', startCaddy],
])('--transport http, behind %s as in deploy/', (program, startProxy) => {
  skipUnlessInstalled(program);

  test('carries', async () => {
    const { url, trusted } = await startBehind(startProxy);
    const client = await start('wsproxy-client', [url, '--transport', 'http'], { env: trusted });
    await expectCarried(client.port, SIZE);
    expect(client.program.stderr).toContain('"way":"HTTP');
  });
});

describe.each<[string, () => Promise<number>]>([
  ['squid', () => startSquid(NO_TUNNELS)],
  ['tinyproxy', () => startConfigured('tinyproxy', tinyproxy)],
  ['privoxy', () => startConfigured('privoxy', privoxy)],
])('auto, through %s that opens no tunnel to the port', (program, startProxy) => {
  skipUnlessInstalled(program);

  test('finds its way within 3 s, and carries', async () => {
    const { port: serverPort } = await startServer();
    const port = await startProxy();
    const began = performance.now();
    const client = await startClient(serverPort, { proxy: `http://127.0.0.1:${port}` });
    expect(performance.now() - began).toBeLessThan(FOUND_WITHIN);
    await expectCarried(client.port, SIZE);
  });
});

async function startConfigured(program: string, configure: Configure): Promise<number> {
  const [folder, port] = [temporaryFolder(), await freePort()];
  const { args, config } = configure(folder, port);
  writeFileSync(join(folder, 'config'), config);
  await running(new Program(program, args), port);
  return port;
}

/** Whose configuration is `config` in the folder. */
type Configure = (folder: string, port: number) => { readonly args: string[]; readonly config: string };

function tinyproxy(folder: string, port: number): ReturnType<Configure> {
  const config = `Port ${port}\nListen 127.0.0.1\nTimeout 600\nLogLevel Error\nMaxClients 50\nConnectPort 443\n`;
  return { args: ['-d', '-c', join(folder, 'config')], config };
}

function privoxy(folder: string, port: number): ReturnType<Configure> {
  writeFileSync(join(folder, 'actions'), '{+limit-connect{443}}\n/\n');
  const config = `listen-address 127.0.0.1:${port}\nactionsfile ${join(folder, 'actions')}\n`;
  return { args: ['--no-daemon', join(folder, 'config')], config };
}
