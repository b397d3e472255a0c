import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled, skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { expectCarried } from './carries.js';
import { startCompanyProxy, startPx } from './company-proxy.js';
import { running } from './squid.js';

const SIZE = 4 * 1024 * 1024;
/** Squid's own for tests: it takes any user who speaks NTLM. */
const AUTHENTICATOR = '/usr/lib/squid/ntlm_fake_auth';
const WANTS_NTLM = `auth_param ntlm program ${AUTHENTICATOR}\nauth_param ntlm children 2`;
const USER = { domain: 'COMPANY', name: 'ada', password: 'of-the-company' };

describe('a proxy that wants NTLM', () => {
  skipUnlessInstalled('squid');
  beforeEach((context) => skipWithout(context, AUTHENTICATOR));

  test('lets curl through that speaks it, and nobody else', async () => {
    const [proxy, files] = [await startCompanyProxy(WANTS_NTLM), await startWebFiles()];
    const statusFor = async (...args: string[]): Promise<string> => {
      const what = ['-x', `http://127.0.0.1:${proxy}`, '-o', '/dev/null', `http://127.0.0.1:${files.port}/seed/10`];
      return (await run('curl', ['-sS', '-w', '%{http_code}', ...args, ...what])).stdout;
    };
    const { domain, name, password } = USER;
    expect(await statusFor('--proxy-ntlm', '--proxy-user', `${domain}\\${name}:${password}`)).toBe('200');
    expect(await statusFor('--proxy-basic', '--proxy-user', `${name}:${password}`)).toBe('407');
  });

  test.each(['auto', 'ws', 'http'])(
    'is told by the client with --transport %s, in one line that says what to do',
    async (transport) => {
      const [proxy, { port }] = [await startCompanyProxy(WANTS_NTLM), await startServer()];
      const args = [`ws://127.0.0.1:${port}/`, '--transport', transport, '--proxy', `http://127.0.0.1:${proxy}`];
      const { code, stderr } = await runCommand('wsproxy-client', [...args, '--listen', '0']);
      expect(code).toBe(1);
      expect(stderr).toMatch(/ wants NTLM, which wsproxy cannot do; .*px or cntlm.*docs\/client\.md/);
    },
  );

  describe.each<[string, StartHelper]>([
    ['cntlm', startCntlm],
    ['px', startNtlmPx],
  ])('and %s on this machine', (program, startHelper) => {
    skipUnlessInstalled(program);

    test.each(['auto', 'http'])('pass a client through with --transport %s, and carry', async (transport) => {
      const [proxy, { port }] = [await startCompanyProxy(WANTS_NTLM), await startServer()];
      const helper = await startHelper(proxy);
      const args = [`ws://127.0.0.1:${port}/`, '--transport', transport, '--proxy', `http://127.0.0.1:${helper}`];
      const client = await start('wsproxy-client', args);
      await expectCarried(client.port, SIZE);
    });
  });
});

/** Starts a program that speaks NTLM with the proxy at that port, for others on this machine. */
type StartHelper = (proxyPort: number) => Promise<number>;

async function startCntlm(proxyPort: number): Promise<number> {
  const [file, port] = [join(temporaryFolder(), 'cntlm.conf'), await freePort()];
  const { domain, name, password } = USER;
  const user = `Username ${name}\nDomain ${domain}\nPassword ${password}\n`;
  const config = `${user}Auth NTLM\nProxy 127.0.0.1:${proxyPort}\nListen 127.0.0.1:${port}\n`;
  writeFileSync(file, config, { mode: 0o600 });
  await running(new Program('cntlm', ['-f', '-c', file]), port);
  return port;
}

function startNtlmPx(proxyPort: number): Promise<number> {
  const { domain, name, password } = USER;
  return startPx(proxyPort, [`--username=${domain}\\${name}`], { PX_PASSWORD: password });
}
