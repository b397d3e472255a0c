import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { SSHD, startSshd } from 'wsproxy-test-support/destinations/sshd';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { buildConsole, type ConsolePage, openConsolePage, startConsole } from './console-page.js';

const PASSPHRASE = 'a sécret';

/** A key of `ssh-keygen`, and the line of its public half. */
async function makeKey(...options: string[]): Promise<{ readonly file: string; readonly line: string }> {
  const file = join(temporaryFolder(), 'key');
  const { code, stderr } = await run('ssh-keygen', ['-q', ...options, '-f', file]);
  if (code !== 0) throw new Error(stderr);
  return { file, line: readFileSync(`${file}.pub`, 'utf8') };
}

/** What the page makes of the file of a key: the line of its public half. */
async function read(file: string, passphrase: string | false = PASSPHRASE): Promise<string> {
  const part = (name: string) =>
    import(new URL(`../../examples/web-console/page/ssh/${name}.js`, import.meta.url).href);
  const [{ readPrivateKey }, { describeKey }] = await Promise.all([part('private-key'), part('session')]);
  return (await describeKey(await readPrivateKey(readFileSync(file, 'utf8'), async () => passphrase))).line;
}

describe('keys of the web console', () => {
  skipUnlessInstalled('ssh-keygen');

  test.each([
    '-t ed25519',
    '-t ed25519 -a 3 -Z aes128-ctr',
    '-t rsa -Z aes256-cbc',
    '-t ecdsa -Z aes256-gcm@openssh.com',
    '-t rsa -m PKCS8',
    '-t ecdsa -b 384 -m PKCS8',
  ])('open by their passphrase, and by no other: ssh-keygen %s', async (options) => {
    const { file, line } = await makeKey(...options.split(' '), '-N', PASSPHRASE);
    expect(line).toContain(await read(file));
    await expect(read(file, 'another')).rejects.toThrow('The passphrase is wrong.');
    await expect(read(file, false)).rejects.toThrow('The key needs its passphrase.');
  });

  test.each(['aes-128-cbc', 'aes-256-cbc'])('open as openssl writes them: ed25519, %s', async (cipher) => {
    const file = join(temporaryFolder(), 'key');
    const secret = ['-pass', `pass:${PASSPHRASE}`];
    await run('openssl', ['genpkey', '-algorithm', 'ed25519', `-${cipher}`, ...secret, '-out', file]);
    const point = await run('sh', [
      '-c',
      `openssl pkey -in ${file} -passin 'pass:${PASSPHRASE}' -pubout -outform DER | tail -c 32 | base64`,
    ]);
    const [, base64 = ''] = (await read(file)).split(' ');
    expect(Buffer.from(base64, 'base64').subarray(-32).toString('base64')).toBe(point.stdout.trim());
    await expect(read(file, 'another')).rejects.toThrow('The passphrase is wrong.');
  });

  test('are read without a passphrase where they have none', async () => {
    for (const form of ['RFC4716', 'PKCS8']) {
      const { file, line } = await makeKey('-t', 'ecdsa', '-m', form, '-N', '');
      expect(line).toContain(await read(file, false));
    }
  });

  test('that the page cannot read are refused with what to do', async () => {
    const messageOf = async (...options: string[]): Promise<string> => {
      const { file } = await makeKey(...options, '-N', PASSPHRASE);
      return read(file).then(String, ({ message }) => message);
    };
    const again = /^The page cannot .*`ssh-keygen -p -f FILE` /;
    expect(await messageOf('-t', 'ed25519', '-Z', 'chacha20-poly1305@openssh.com')).toMatch(again);
    expect(await messageOf('-t', 'rsa', '-m', 'PEM')).toMatch(again);
    const { file } = await makeKey('-t', 'rsa', '-N', '');
    const halves = [readFileSync(`${file}.pub`, 'utf8')];
    for (const form of ['RFC4716', 'PKCS8', 'PEM']) {
      halves.push((await run('ssh-keygen', ['-e', '-m', form, '-f', file])).stdout);
    }
    for (const half of halves) {
      writeFileSync(file, half);
      await expect(read(file)).rejects.toThrow(/^This is the public half of the key. /);
    }
    expect(await messageOf('-t', 'ecdsa', '-b', '521')).toBe('Keys of type ecdsa-sha2-nistp521 are not supported.');
  });

  describe('in the page', () => {
    skipUnlessInstalled('chromium');
    skipUnlessInstalled(SSHD);
    beforeAll(buildConsole);

    test('with a passphrase log in, and the page keeps nothing of it', async () => {
      const sshd = await startSshd();
      const { origin } = await startConsole();
      const page = await openConsolePage(origin);
      const authorize = async (...options: string[]): Promise<string> => {
        const { file, line } = await makeKey(...options, '-N', PASSPHRASE);
        appendFileSync(join(sshd.folder, 'user.pub'), line);
        return file;
      };
      await page.openSsh(sshd.port, await authorize('-t', 'ed25519'), 'another');
      await page.page.getByText('The passphrase is wrong.').waitFor();
      await page.page.locator('#new-console').getByRole('button', { name: 'Open', exact: true }).click();
      expect(await page.passphrase.getAttribute('type')).toBe('password');
      await page.passphrase.press('Escape');
      await page.page.getByText('The key needs its passphrase.').waitFor();
      await page.open(PASSPHRASE);
      await page.acceptHostKey();
      await page.type('exit 6\n');
      expect(await page.untilOver()).toBe('The shell has ended with 6.');
      await page.openSsh(sshd.port, await authorize('-t', 'ecdsa', '-m', 'PKCS8'), PASSPHRASE);
      await page.type('exit 7\n');
      expect(await page.untilOver()).toBe('The shell has ended with 7.');
      expect(await page.page.locator('#question input').inputValue()).toBe('');
      expect(await keptBy(page)).toEqual({
        'page-key': [],
        'host-keys': [{ type: 'ssh-ed25519', fingerprint: expect.any(String) }],
        storage: '{}',
      });
    });
  });
});

/** What the browser would still have after a visit. */
function keptBy({ page }: ConsolePage): Promise<unknown> {
  return page.evaluate(`new Promise((resolve, reject) => {
    const opening = indexedDB.open('console');
    opening.onerror = reject;
    opening.onsuccess = () => {
      const names = [...opening.result.objectStoreNames];
      const transaction = opening.result.transaction(names);
      const requests = names.map((name) => transaction.objectStore(name).getAll());
      const storage = JSON.stringify({ ...localStorage, ...sessionStorage });
      transaction.oncomplete = () =>
        resolve(Object.fromEntries([['storage', storage], ...names.map((name, at) => [name, requests[at].result])]));
    };
  })`);
}
