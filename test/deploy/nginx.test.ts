import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCommand } from '../support/command-line.js';
import { freePort } from '../support/listen.js';
import { skipUnlessInstalled } from '../support/skip-unless-installed.js';
import { configuration, type Place, startBehind, startUntilListening, testBehind } from './reverse-proxy.js';

/** Where nginx puts large bodies; in a folder of its own it needs no rights, and disturbs no other nginx. */
const BODIES = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Starts nginx with the file of deploy/, `change`d on purpose. */
async function startNginx({ folder, port, serverPort, certificate }: Place, change = (text: string) => text) {
  const plain = await freePort();
  const bodies = BODIES.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  const text = configuration('nginx.conf', [
    ['http {', `http { ${bodies}`],
    ['/var/log/nginx/', `${folder}/`],
    ['worker_shutdown_timeout 10s', 'worker_shutdown_timeout 1s'],
    ['/etc/letsencrypt/live/proxy.example.org/fullchain.pem', certificate.file],
    ['/etc/letsencrypt/live/proxy.example.org/privkey.pem', join(folder, 'key')],
    ['proxy.example.org', 'localhost'],
    ['[::]:443', `[::1]:${port}`],
    ['listen 443', `listen 127.0.0.1:${port}`],
    ['[::]:80', `[::1]:${plain}`],
    ['listen 80', `listen 127.0.0.1:${plain}`],
    ['127.0.0.1:8080', `127.0.0.1:${serverPort}`],
  ]);
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, change(text));
  const commands = `daemon off; pid ${folder}/pid; error_log stderr notice;`;
  const nginx = await startUntilListening('nginx', ['-p', folder, '-e', 'stderr', '-c', file, '-g', commands], port);
  // What `nginx -s reload` and `systemctl reload nginx` do.
  return { reload: () => nginx.signal('SIGHUP') };
}

describe('behind nginx', () => {
  skipUnlessInstalled('nginx');
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('curl');

  testBehind(startNginx);

  test.each([
    ['the Upgrade header fields', /^ *proxy_set_header (Upgrade|Connection) .*\n/gm],
    ['Upgrade', /^ *proxy_set_header Upgrade .*\n/gm],
    ['Connection', /^ *proxy_set_header Connection .*\n/gm],
  ])('a client is told when nginx was not told to pass on %s', async (_what, lines) => {
    const { url, trusted } = await startBehind((place) =>
      startNginx(place, (text) => {
        expect(text).toMatch(lines);
        return text.replace(lines, '');
      }),
    );
    const { code, stderr } = await runCommand('wsproxy-client', [url, '--listen', '0'], { env: trusted });
    expect(stderr).toMatch(/reverse proxy.*Upgrade/);
    expect(code).toBe(1);
  });
});
