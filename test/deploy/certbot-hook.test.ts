import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { start } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { configuration } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

describe('the hook of certbot', () => {
  skipUnlessInstalled('openssl');

  test('gives the server a new certificate, which only its group reads', async () => {
    const [folder, lineage] = [temporaryFolder(), temporaryFolder()];
    const etc = join(folder, 'etc');
    mkdirSync(etc, { mode: 0o750 });
    const script = join(folder, 'hook');
    const group = String(process.getgid?.());
    writeFileSync(
      script,
      configuration('certbot-hook.sh', [
        ['/etc/wsproxy', etc],
        ['-g wsproxy', `-g ${group}`],
      ]),
    );
    /** What certbot does: a new certificate in its folder, and then the hook. */
    const renew = async (days: number) => {
      const { cert, key } = await makeCertificate(temporaryFolder(), 'DNS:localhost', days);
      writeFileSync(join(lineage, 'fullchain.pem'), cert);
      writeFileSync(join(lineage, 'privkey.pem'), key);
      expect(await run('sh', [script], { env: { RENEWED_LINEAGE: lineage } })).toMatchObject({ code: 0, stderr: '' });
      return { cert, key };
    };
    await renew(30);
    expect(readdirSync(etc).sort()).toEqual(['fullchain.pem', 'privkey.pem']);
    const files = ['fullchain.pem', 'privkey.pem'].map((name) => join(etc, name));
    expect(files.map((path) => statSync(path).mode & 0o777)).toEqual([0o640, 0o640]);

    const [cert = '', key = ''] = files;
    const { program } = await start('wsproxy-server', ['--tls-cert', cert, '--tls-key', key]);
    const renewed = await renew(60);
    expect(files.map((path) => readFileSync(path, 'utf8'))).toEqual([renewed.cert, renewed.key]);
    await program.untilStderr(/TLS is served with what the files hold now/);
    expect(program.stderr).not.toMatch(/"level":"error"/);
  });

  test('stops at the first mistake, and leaves what is there', async () => {
    const folder = temporaryFolder();
    const script = join(folder, 'hook');
    writeFileSync(script, configuration('certbot-hook.sh', [['/etc/wsproxy', folder]]));
    const ended = await run('sh', [script], { env: { RENEWED_LINEAGE: join(folder, 'none') } });
    expect(ended.code).not.toBe(0);
    expect(readdirSync(folder)).toEqual(['hook']);
  });
});
