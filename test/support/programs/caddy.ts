import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort } from '../sockets/listen.js';
import { run } from './program.js';
import { configuration, type Place, startUntilListening } from './reverse-proxy.js';

/** Starts Caddy with the file of deploy/, `change`d on purpose. */
export async function startCaddy({ folder, port, serverPort, certificate }: Place, change = (text: string) => text) {
  const admin = `localhost:${await freePort()}`;
  const text = configuration('Caddyfile', [
    ['grace_period 10s', `grace_period 10s\n\tadmin ${admin}\n\tauto_https disable_redirects`],
    ['proxy.example.org {', `https://localhost:${port} {\n\ttls ${certificate.file} ${join(folder, 'key')}`],
    ['127.0.0.1:8080', `127.0.0.1:${serverPort}`],
  ]);
  const file = join(folder, 'Caddyfile');
  writeFileSync(file, change(text));
  const about = ['--config', file, '--adapter', 'caddyfile'];
  await startUntilListening('caddy', ['run', ...about], port);
  const reload = async () => {
    // As `systemctl reload caddy` does.
    const { code, stderr } = await run('caddy', ['reload', ...about, '--address', admin, '--force']);
    expect(code, stderr).toBe(0);
  };
  return { reload };
}
