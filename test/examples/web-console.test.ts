import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { SSHD, startSshd } from 'wsproxy-test-support/destinations/sshd';
import { keystreamBytes } from 'wsproxy-test-support/keystream';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled, skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import {
  buildConsole,
  type ConsolePage,
  openConsolePage,
  openSshConsole,
  sha256,
  startConsole,
} from './console-page.js';

const OUTPUT = 10_000_000;
const FILE = 3_000_000;

beforeAll(buildConsole);

/** Cuts whenever so many bytes have passed, `times` times; a cut counts where a console was lost by it. */
function cutEvery(relay: CuttingRelay, every: number, times: number): void {
  let [passed, left] = [0, times];
  relay.onBytes = (_connection, bytes) => {
    passed += bytes;
    if (passed < every || left === 0) return;
    [passed, left] = [0, left - 1];
    relay.cut(left % 2 === 0 ? 'reset' : 'end');
  };
}

/** How often the page has lost its WebSocket since this call. */
async function countLosses({ page }: ConsolePage): Promise<() => Promise<number>> {
  await page.evaluate(`
    globalThis.losses = 0;
    new MutationObserver(() => { if (app.dataset.state === 'away') losses += 1; })
      .observe(app, { attributeFilter: ['data-state'] })`);
  return () => page.evaluate('globalThis.losses');
}

const untilConnected = ({ page }: ConsolePage) => page.locator('#app[data-state=connected]').waitFor();

describe('the web console', () => {
  skipUnlessInstalled('chromium');

  describe('by ssh', () => {
    skipUnlessInstalled(SSHD);

    test('keeps its shell, vim, top, 10 MB of output and files over 20 kills of the WebSocket, and loses nothing', {
      timeout: 240_000,
    }, async (context) => {
      skipWithout(context, 'vim');
      skipWithout(context, 'top');
      const { relay, page, sshd, audited } = await openSshConsole();
      const losses = await countLosses(page);
      const cut = async (kind: 'reset' | 'end'): Promise<void> => {
        const before = await losses();
        relay.cut(kind);
        await until('the page has noticed', async () => (await losses()) > before);
        await untilConnected(page);
      };
      await page.type('echo "shell $$."\n');
      const shell = await page.untilScreen(/^shell (\d+)\.$/m);

      const notes = join(sshd.folder, 'notes');
      await page.type(`vim -u NONE -n ${notes}\n`);
      await page.untilScreen(/^~$/m);
      await page.type('iwritten before');
      await cut('reset');
      await page.type(' and behind a cut');
      await cut('end');
      await page.page.keyboard.press('Escape');
      await page.type(':wq\n');
      await page.untilScreen(/^ready:$/m);
      expect(readFileSync(notes, 'utf8')).toBe('written before and behind a cut\n');

      await page.type('top -d 1\n');
      const time = await page.untilScreen(/^top - (\d\d:\d\d:\d\d)/m);
      await cut('reset');
      await page.untilScreen(new RegExp(`^top - (?!${time})\\d`, 'm'));
      await page.type('q');
      await page.untilScreen(/^ready:$/m);

      await page.record();
      cutEvery(relay, 500_000, 14);
      await page.type(`seq 2000000 | head -c ${OUTPUT}; echo; echo "fin$((1+1))"\n`);
      await page.untilScreen(/^fin2$/m, 120_000);
      const output = await page.recorded();
      const numbers = (await run('sh', ['-c', `seq 2000000 | head -c ${OUTPUT}`])).stdout;
      // A terminal ends its lines with both.
      const expected = `${numbers}\nfin2\n`.replaceAll('\n', '\r\n');
      const begin = output.indexOf('1\r\n2\r\n3\r\n');
      expect(sha256(output.slice(begin, begin + expected.length))).toBe(sha256(expected));

      const content = keystreamBytes('a file', FILE);
      const [here, there] = [join(temporaryFolder(), 'file.bin'), join(sshd.folder, "it's a file")];
      writeFileSync(here, content);
      cutEvery(relay, 600_000, 3);
      const chooser = page.page.waitForEvent('filechooser');
      await page.button('Upload').click();
      await (await chooser).setFiles(here);
      await page.answerPath(there, 'Upload');
      await page.page.getByText(`Uploaded ${FILE} bytes`).waitFor({ timeout: 60_000 });
      expect(sha256(readFileSync(there))).toBe(sha256(content));
      cutEvery(relay, 600_000, 3);
      const download = page.page.waitForEvent('download', { timeout: 60_000 });
      await page.button('Download').click();
      await page.answerPath(there, 'Download');
      expect(sha256(await page.contentOf(download))).toBe(sha256(content));

      await page.page.locator('.screen:visible').click();
      await page.type('clear; echo "shell $$, still."\n');
      expect(await page.untilScreen(/^shell (\d+), still\.$/m)).toBe(shell);
      expect(await losses()).toBeGreaterThanOrEqual(20);
      await page.type('exit 3\n');
      expect(await page.untilOver()).toBe('The shell has ended with 3.');
      const target = `127.0.0.1:${sshd.port}`;
      expect(audited().find(({ event }) => event === 'console opened')).toMatchObject({ user: 'alice', target });
      expect(audited().find(({ event }) => event === 'login')).toMatchObject({ user: 'alice', from: '127.0.0.1' });
    });

    test('refuses a host whose key has changed, with both fingerprints', async () => {
      const [first, second] = await Promise.all([startSshd(), startSshd()]);
      const { origin } = await startConsole();
      const host = await new CuttingRelay(first.port).start();
      const page = await openConsolePage(origin);
      const fingerprintOf = async (folder: string) =>
        (await run('ssh-keygen', ['-l', '-f', join(folder, 'host.pub')])).stdout.split(' ')[1] ?? '';
      await page.openSsh(host.port, join(first.folder, 'user'));
      const question = page.page.locator('#question');
      await question.getByText(await fingerprintOf(first.folder)).waitFor();
      await page.acceptHostKey();
      await page.type('exit\n');
      await page.untilOver();
      // Once known, it is not asked about again.
      await page.openSsh(host.port, join(first.folder, 'user'));
      await page.untilScreen(/[#$]/);
      host.target = second.port;
      await page.openSsh(host.port, join(second.folder, 'user'));
      const reason = await page.untilOver();
      expect(reason).toMatch(/^The host key of 127.0.0.1:\d+ has changed/);
      for (const { folder } of [first, second]) expect(reason).toContain(await fingerprintOf(folder));
    });

    test('logs in by keys of each type, and by the key of the browser, which nobody can read', async () => {
      const { page, sshd } = await openSshConsole();
      const authorized = join(sshd.folder, 'user.pub');
      for (const [name, ...type] of [['rsa'], ['ecdsa'], ['ecdsa', '-b', '384']]) {
        const file = join(temporaryFolder(), 'key');
        await run('ssh-keygen', ['-q', '-t', name ?? '', ...type, '-N', '', '-f', file]);
        appendFileSync(authorized, readFileSync(`${file}.pub`));
        await page.openSsh(sshd.port, file);
        await page.type('exit 0\n');
        expect([name, await page.untilOver()]).toEqual([name, 'The shell has ended with 0.']);
      }
      const dialog = await page.fillSsh(sshd.port);
      await dialog.getByLabel('key of this browser').check();
      const line = dialog.getByLabel('authorized_keys');
      await until('the key is there', async () => (await line.inputValue()) !== '');
      await page.open();
      expect(await page.untilOver()).toMatch(/^The server refuses this key for /);
      appendFileSync(authorized, `${await line.inputValue()}\n`);
      await page.fillSsh(sshd.port);
      await page.open();
      await page.type('exit 4\n');
      expect(await page.untilOver()).toBe('The shell has ended with 4.');
      const isReadable = `new Promise((resolve) => {
        const opening = indexedDB.open('console');
        opening.onsuccess = () => {
          const kept = opening.result.transaction('page-key').objectStore('page-key').get('ed25519');
          kept.onsuccess = () => resolve(kept.result.privateKey.extractable);
        };
      })`;
      expect(await page.page.evaluate(isReadable)).toBe(false);
    });

    test('logs in by password, and says when it is wrong', async (context) => {
      if (process.getuid?.() !== 0) context.skip('skipped: only root can give a user a password');
      const sshd = await startSshd({ password: 'correct horse' });
      const { origin } = await startConsole();
      const page = await openConsolePage(origin);
      const open = async (password: string): Promise<void> => {
        const dialog = await page.fillSsh(sshd.port);
        await dialog.locator('[name=password]').fill(password);
        await page.open();
      };
      await open('wrong horse');
      await page.acceptHostKey();
      expect(await page.untilOver()).toBe(
        `The server refuses this password for ${userInfo().username}, or takes none.`,
      );
      await open('correct horse');
      await page.type('exit 5\n');
      expect(await page.untilOver()).toBe('The shell has ended with 5.');
      // It does not stay in the page.
      expect(await page.page.locator('#new-console [name=password]').inputValue()).toBe('');
    });

    test('is used by keyboard alone, copies and pastes, and fits a phone', async () => {
      const { page, relay, sshd } = await openSshConsole();
      const { keyboard } = page.page;
      const focused = () =>
        page.page.evaluate(`document.activeElement.ariaLabel ?? document.activeElement.textContent`);
      const tab = (n: number) => page.page.getByRole('tab').nth(n);
      expect(await focused()).toMatch(/^Terminal .*@127\.0\.0\.1\. Shift and Escape leave it\.$/);
      await page.openSsh(sshd.port, join(sshd.folder, 'user'));
      await page.untilScreen(/[#$]/);
      await keyboard.press('Shift+Escape');
      await keyboard.press('ArrowLeft');
      expect(await tab(0).getAttribute('aria-selected')).toBe('true');
      expect(await tab(1).getAttribute('aria-selected')).toBe('false');
      await page.untilScreen(/^ready:$/m);
      await keyboard.press('Enter');
      await page.type('clear; echo "a line to co""py"\n');
      await page.untilScreen(/^a line to copy$/m);
      const row = page.page.locator('.panel:not([hidden]) .xterm-rows > div').first();
      const { x = 0, y = 0 } = (await row.boundingBox()) ?? {};
      await page.page.mouse.click(x + 20, y + 8, { clickCount: 3 });
      await keyboard.press('Control+Shift+C');
      await page.page.getByText('Copied.').waitFor();
      await page.type('clear; echo "go$((1+1))"; cat\n');
      await page.untilScreen(/^go2$/m);
      await keyboard.press('Control+Shift+V');
      await keyboard.press('Enter');
      await page.untilScreen(/^a line to copy\s*\na line to copy/m);
      await keyboard.press('Control+C');
      await page.untilScreen(/^ready:$/m);

      await page.page.setViewportSize({ width: 360, height: 640 });
      const isWide = () => page.page.evaluate('document.documentElement.scrollWidth > innerWidth');
      await until('the page fits', async () => !(await isWide()));
      await page.type('cat\n');
      await page.button('Control D').click();
      await page.type('echo "shown $((6*7))"\n');
      await page.untilScreen(/^shown 42$/m);
      await relay.stop();
      await page.page.getByText('Reconnecting. Nothing is lost.').waitFor();
      await page.type('echo "typed meanwhile $((6*7))"\n');
      await relay.start();
      await page.untilScreen(/^typed meanwhile 42$/m);
      expect(await isWide()).toBe(false);
    });

    test('sends keys and pastes in the order of the person, however late the clipboard is', async () => {
      const { page } = await openSshConsole();
      const { keyboard } = page.page;
      await page.page.evaluate(`
        globalThis.clipboard = [];
        navigator.clipboard.readText = () =>
          new Promise((resolve, reject) => clipboard.push({ resolve, reject }))`);
      await page.type('clear; echo "go$((1+1))"; cat\n');
      await page.untilScreen(/^go2$/m);
      await page.type('1');
      await keyboard.press('Control+Shift+V');
      await page.type('3');
      await page.button('Paste').click();
      await page.type('5');
      await keyboard.press('Control+Shift+V');
      await page.type('6');
      await page.page.evaluate(`
        clipboard[1].resolve('4');
        clipboard[2].reject(new Error('The browser refuses.'));
        clipboard[0].resolve('2')`);
      await page.untilScreen(/^123456$/m);
      await page.page.getByText('The browser refuses.').waitFor();
    });

    test('says what is wrong: a file that is no key, and a destination that is not allowed', async () => {
      const sshd = await startSshd();
      const { origin } = await startConsole({ destinations: ['127.0.0.2:22'] });
      const page = await openConsolePage(origin);
      await page.openSsh(sshd.port, join(sshd.folder, 'user.pub'));
      await page.page.getByText('This is the public half of the key.').waitFor();
      await page.page.keyboard.press('Escape');
      await page.openSsh(sshd.port, join(sshd.folder, 'user'));
      expect(await page.untilOver()).toBe(`127.0.0.1:${sshd.port}: destination not allowed`);
    });
  });

  test('gives nothing to strangers, and lets a removed user out at once', async () => {
    const { origin, program, writeUsers } = await startConsole();
    const post = (path: string, headers: Record<string, string>, body: object = {}) =>
      fetch(`${origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect((await post('/ticket', { origin })).status).toBe(401);
    const login = { user: 'alice', token: TOKEN };
    expect((await post('/login', { origin: 'https://other.example' }, login)).status).toBe(403);
    expect((await post('/login', {}, login)).status).toBe(403);
    expect((await post('/login', { origin }, { user: 'alice', token: `${TOKEN}x` })).status).toBe(401);
    expect((await post('/login', { origin }, { user: 'x'.repeat(5_000), token: '' })).status).toBe(400);
    expect((await fetch(`${origin}/../server.mjs`)).status).toBe(404);
    const answer = await post('/login', { origin }, login);
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^console=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    const withCookie = { origin, cookie: cookie.split(';')[0] ?? '' };
    expect((await post('/ticket', withCookie)).status).toBe(200);
    const policy = (await fetch(origin)).headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[^']+'; /);

    const page = await openConsolePage(origin);
    writeUsers();
    program.signal('SIGHUP');
    await page.page.locator('#app[data-state=gone]').waitFor();
    expect((await post('/ticket', withCookie)).status).toBe(401);
  });
});

test('the web console says in one line what is wrong with its configuration', async () => {
  const file = join(temporaryFolder(), 'console.json');
  const script = fileURLToPath(new URL('../../examples/web-console/server.mjs', import.meta.url));
  const alice = { id: 'alice', tokenSha256: 'a'.repeat(64) };
  const origin = 'http://127.0.0.1:8080';
  const complaintOf = async (config: object): Promise<string> => {
    writeFileSync(file, JSON.stringify(config));
    const { code, stdout, stderr } = await run(process.execPath, [script, file]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    return stderr.trim().replace(`${file}: `, '');
  };
  expect(await complaintOf([])).toBe('expected an object in braces');
  expect(await complaintOf({ origin: 'localhost', users: [] })).toMatch(/^origin: where the page is/);
  expect(await complaintOf({ origin: `${origin}/`, users: [] })).toBe('origin: leave out the "/" at its end');
  expect(await complaintOf({ origin, users: [], recording: '/tmp' })).toMatch(/^no key "recording"; there are /);
  expect(await complaintOf({ origin, users: [{ id: 'alice' }] })).toMatch(/^user "alice": tokenSha256 /);
  const rule = { name: '*', may: ['exec', 'kill'] };
  expect(await complaintOf({ origin, users: [{ ...alice, containers: [rule] }] })).toMatch(
    /^user "alice": "may" is a list/,
  );
  expect(await complaintOf({ origin, users: [{ ...alice, destinations: ['a b'] }] })).toMatch(
    /not a destination rule: "a b"/,
  );
  const recorded = { containerEngine: file, recordings: `${file}/no-folder` };
  expect(await complaintOf({ origin, users: [], ...recorded })).toMatch(/recordings: no file can be made there: /);
  const taken = await new CuttingRelay(0).start();
  expect(await complaintOf({ origin, users: [], port: taken.port })).toBe(
    `port: another program has ${taken.port} at 127.0.0.1`,
  );
});
