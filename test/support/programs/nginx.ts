import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../sockets/listen.js';
import { configuration, type Place, startUntilListening } from './reverse-proxy.js';

/** Where nginx puts large bodies; in a folder of its own it needs no rights, and disturbs no other nginx. */
const BODIES = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Starts nginx with the file of deploy/, `change`d on purpose. */
export async function startNginx({ folder, port, serverPort, certificate }: Place, change = (text: string) => text) {
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
