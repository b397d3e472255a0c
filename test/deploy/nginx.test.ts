import { describe, expect, test } from 'vitest';
import { runCommand } from 'wsproxy-test-support/programs/command-line';
import { startNginx } from 'wsproxy-test-support/programs/nginx';
import { startBehind } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { testBehind } from './reverse-proxy.js';

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
    const { code, stderr } = await runCommand('wsproxy-client', [url, '--listen', '0', '--transport', 'ws'], {
      env: trusted,
    });
    expect(stderr).toMatch(/reverse proxy.*Upgrade/);
    expect(code).toBe(1);
  });
});
