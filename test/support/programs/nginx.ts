import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../sockets/listen.js';
import { configuration, type Place, startUntilListening } from './reverse-proxy.js';

/** Starts nginx with the file of deploy/, `change`d on purpose. */
export async function startNginx({ folder, port, serverPort, certificate }: Place, change = (text: string) => text) {
  const plain = await freePort();
  const text = configuration('nginx.conf', [
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
  const nginx = await startUntilListening('nginx', prepareNginx(folder, change(text)), port);
  // What `nginx -s reload` and `systemctl reload nginx` do.
  return { reload: () => nginx.signal('SIGHUP') };
}

/** The arguments of an nginx with this configuration that writes to this folder alone: it needs no rights, and disturbs no other. */
export function prepareNginx(folder: string, text: string): string[] {
  const file = join(folder, 'nginx.conf');
  const bodies = BODIES.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  writeFileSync(file, text.replace('http {', `http { ${bodies}`));
  const commands = `daemon off; pid ${folder}/pid; error_log stderr notice;`;
  return ['-p', folder, '-e', 'stderr', '-c', file, '-g', commands];
}

/** What nginx puts into files when it is large. */
const BODIES = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
