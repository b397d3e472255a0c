import { createHash, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { keystreamBytes, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { CHROMIUM } from 'wsproxy-test-support/programs/chromium-program';
import { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freeDatagramPort } from 'wsproxy-test-support/sockets/datagram-socket';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startForward } from './forwarded.js';

const LENGTH = 20_000_000;
/** The WebSocket is lost whenever so much has passed, bytes. */
const LIFETIME = 4_000_000;

describe('Chromium', () => {
  for (const program of [CHROMIUM, 'caddy', 'openssl']) skipUnlessInstalled(program);

  test('gets a file by HTTP/3 from Caddy behind -L /udp, byte by byte, while WebSockets are lost', async () => {
    const [port, folder] = [await freeDatagramPort(), temporaryFolder()];
    const { cert, file } = await makeCertificate(folder, 'DNS:localhost', 2);
    writeFileSync(join(folder, 'index.html'), 'ready');
    writeFileSync(join(folder, 'file'), keystreamBytes('h3', LENGTH));
    const site = `tls ${file} ${join(folder, 'key')}\n\troot * ${folder}\n\tfile_server`;
    writeFileSync(
      join(folder, 'Caddyfile'),
      `{\n\tadmin off\n\tauto_https disable_redirects\n}\n\nhttps://:${port} {\n\t${site}\n}\n`,
    );
    const caddy = new Program('caddy', ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'], {
      env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    });
    await caddy.untilStderr(/serving initial configuration/);
    const forward = await startForward(port);
    const key = createHash('sha256')
      .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64');
    const browser = await startChromium(
      '--host-resolver-rules=MAP localhost 127.0.0.1',
      `--origin-to-force-quic-on=localhost:${forward.port}`,
      `--ignore-certificate-errors-spki-list=${key}`,
    );
    const page = await browser.newPage();
    await page.goto(`https://localhost:${forward.port}/`);
    let passed = 0;
    forward.relay.onBytes = (connection, bytes) => {
      passed += bytes;
      if (passed < LIFETIME) return;
      passed = 0;
      connection.cut('reset');
    };
    const got = await page.evaluate(async () => {
      const content = await (await fetch('/file')).arrayBuffer();
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
      const entries: { name: string; nextHopProtocol?: string }[] = performance.getEntriesByType('resource');
      return {
        hash: Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join(''),
        protocol: entries.find(({ name }) => name.endsWith('/file'))?.nextHopProtocol,
      };
    });
    expect(got).toEqual({ hash: await sha256OfKeystream('h3', LENGTH), protocol: 'h3' });
    expect(forward.relay.accepted).toBeGreaterThan(LENGTH / LIFETIME / 2);
  });
});
