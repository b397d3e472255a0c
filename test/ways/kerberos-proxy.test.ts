import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled, skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { startServer } from 'wsproxy-test-support/tunnel';
import { expectCarried } from './carries.js';
import { startCompanyProxy, startPx } from './company-proxy.js';
import { openFolder, running } from './squid.js';

const SIZE = 4 * 1024 * 1024;
const AUTHENTICATOR = '/usr/lib/squid/negotiate_kerberos_auth';
const REALM = 'COMPANY.TEST';
const USER = { name: `ada@${REALM}`, password: 'of-the-company' };

describe('a proxy that wants Kerberos', () => {
  for (const program of ['squid', 'krb5kdc', 'kadmin.local', 'kinit']) skipUnlessInstalled(program);
  beforeEach((context) => skipWithout(context, AUTHENTICATOR));

  test('lets curl through that has a ticket, and nobody else', async () => {
    const { env, proxy } = await startCompany();
    const files = await startWebFiles();
    const what = ['-x', `http://localhost:${proxy}`, '-o', '/dev/null', `http://127.0.0.1:${files.port}/seed/10`];
    const curl = () =>
      run('curl', ['-sS', '-w', '%{http_code}', '--proxy-negotiate', '--proxy-user', ':', ...what], { env });
    expect((await curl()).stdout).toBe('407');
    await run('kinit', [USER.name], { env, input: `${USER.password}\n` });
    expect((await curl()).stdout).toBe('200');
  });

  test('is told by the client in one line that says what to do', async () => {
    const [{ proxy }, { port }] = [await startCompany(), await startServer()];
    const args = [`ws://127.0.0.1:${port}/`, '--proxy', `http://127.0.0.1:${proxy}`, '--listen', '0'];
    const { code, stderr } = await runCommand('wsproxy-client', args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ wants Negotiate, which wsproxy cannot do; .*px or cntlm.*docs\/client\.md/);
  });

  describe('and px on this machine', () => {
    skipUnlessInstalled('px');

    test.each<[string, boolean]>([
      ['a ticket of the user', true],
      ['user and password', false],
    ])('pass a client through by %s, and carry', async (_, hasTicket) => {
      const [{ env, proxy }, { port }] = [await startCompany(), await startServer()];
      if (hasTicket) await run('kinit', [USER.name], { env, input: `${USER.password}\n` });
      const login = hasTicket ? [] : ['--kerberos=1', `--username=${USER.name}`];
      const px = await startPx(proxy, login, { ...env, ...(!hasTicket && { PX_PASSWORD: USER.password }) });
      const args = [`ws://127.0.0.1:${port}/`, '--proxy', `http://127.0.0.1:${px}`];
      const client = await start('wsproxy-client', args);
      await expectCarried(client.port, SIZE);
    });
  });
});

/** Who gives tickets to users, and a proxy that knows them by these. `env`: of programs whose tickets they are. */
async function startCompany(): Promise<{ env: Record<string, string>; proxy: number }> {
  const [folder, port] = [openFolder(), await freePort()];
  const file = (name: string): string => join(folder, name);
  const listening = `127.0.0.1:${port}`;
  const realm = (lines: readonly string[]): string => `[realms]\n ${REALM} = {\n  ${lines.join('\n  ')}\n }\n`;
  const client = ['[libdefaults]', `default_realm = ${REALM}`, 'dns_lookup_kdc = false', 'rdns = false'];
  const ofHosts = ['dns_canonicalize_hostname = false', '[domain_realm]', `localhost = ${REALM}`];
  writeFileSync(file('krb5.conf'), `${[...client, ...ofHosts].join('\n')}\n${realm([`kdc = ${listening}`])}`);
  const database = ['principal', 'stash', 'acl'].map(file);
  const [principal = '', stash = '', acl = ''] = database;
  const kdc = [`database_name = ${principal}`, `key_stash_file = ${stash}`, `acl_file = ${acl}`];
  const listens = ['[kdcdefaults]', `kdc_listen = ${listening}`, `kdc_tcp_listen = ${listening}`];
  writeFileSync(file('kdc.conf'), `${listens.join('\n')}\n${realm(kdc)}`);
  const env = {
    KRB5_CONFIG: file('krb5.conf'),
    KRB5_KDC_PROFILE: file('kdc.conf'),
    KRB5CCNAME: `FILE:${file('tickets')}`,
  };
  await run('kdb5_util', ['create', '-s', '-P', 'of-a-test', '-r', REALM], { env });
  const proxyName = `HTTP/localhost@${REALM}`;
  for (const query of [`addprinc -pw ${USER.password} ${USER.name}`, `addprinc -randkey ${proxyName}`])
    await run('kadmin.local', ['-q', query], { env });
  await run('kadmin.local', ['-q', `ktadd -k ${file('keytab')} ${proxyName}`], { env });
  chmodSync(file('keytab'), 0o644);
  await running(new Program('krb5kdc', ['-n'], { env }), port);
  const program = `${AUTHENTICATOR} -k ${file('keytab')} -s ${proxyName}`;
  const proxy = await startCompanyProxy(`auth_param negotiate program ${program}\nauth_param negotiate children 2`);
  return { env, proxy };
}
