import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';
import { configuration, type Place, startUntilListening } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { testBehind } from './reverse-proxy.js';

async function startCaddy({ folder, port, serverPort, certificate }: Place) {
  const admin = `localhost:${await freePort()}`;
  const text = configuration('Caddyfile', [
    ['grace_period 10s', `grace_period 10s\n\tadmin ${admin}\n\tauto_https disable_redirects`],
    ['proxy.example.org {', `https://localhost:${port} {\n\ttls ${certificate.file} ${join(folder, 'key')}`],
    ['127.0.0.1:8080', `127.0.0.1:${serverPort}`],
  ]);
  const file = join(folder, 'Caddyfile');
  writeFileSync(file, text);
  const about = ['--config', file, '--adapter', 'caddyfile'];
  await startUntilListening('caddy', ['run', ...about], port);
  const reload = async () => {
    // As `systemctl reload caddy` does.
    const { code, stderr } = await run('caddy', ['reload', ...about, '--address', admin, '--force']);
    expect(code, stderr).toBe(0);
  };
  return { reload };
}

describe('behind Caddy', () => {
  skipUnlessInstalled('caddy');
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('curl');

  testBehind(startCaddy);
});
