import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { SSHD, startSshd } from 'wsproxy-test-support/destinations/sshd';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { buildConsole, openConsolePage, startConsole } from './console-page.js';
import { startFakeEngine } from './fake-engine.js';

beforeAll(buildConsole);

describe('the page of the web console', { timeout: 60_000 }, () => {
  skipUnlessInstalled('chromium');

  describe('by ssh', () => {
    skipUnlessInstalled(SSHD);

    test('asks about one host after the other, uploads no file to the path of a folder, and ends while it asks', async () => {
      const sshd = await startSshd();
      const hosts = [await new CuttingRelay(sshd.port).start(), await new CuttingRelay(sshd.port).start()];
      for (const host of hosts) host.hold();
      const { origin } = await startConsole();
      const page = await openConsolePage(origin);
      for (const host of hosts) await page.openSsh(host.port, join(sshd.folder, 'user'));
      for (const host of hosts) host.release();
      const question = page.page.locator('#question');
      const asked = /^127\.0\.0\.1:(\d+) is new/;
      const portAskedFor = async () => Number(asked.exec((await question.getByText(asked).textContent()) ?? '')?.[1]);
      const first = await portAskedFor();
      const other = hosts.map(({ port }) => port).find((port) => port !== first);
      // One click too many accepts nothing else.
      await question.getByRole('button', { name: 'It is right' }).dblclick();
      await until('the other host is asked about', async () => (await portAskedFor()) === other);
      await question.getByRole('button', { name: 'Refuse' }).click();
      const showTab = (port: number | undefined) =>
        page.page
          .getByRole('tab')
          .nth(hosts.findIndex((host) => host.port === port))
          .click();
      await showTab(other);
      expect(await page.untilOver()).toBe(`The host key of 127.0.0.1:${other} was refused.`);

      await showTab(first);
      await page.untilScreen(/[#$]/);
      const folder = temporaryFolder();
      page.page.once('filechooser', (chooser) => void chooser.setFiles(join(sshd.folder, 'user.pub')));
      await page.button('Upload').click();
      await page.answerPath(folder, 'Upload');
      await page.page.getByText('This is a folder. Add the name of the file.').waitFor();
      expect([readdirSync(folder), existsSync(`${folder}.part`)]).toEqual([[], false]);

      const gate = join(folder, 'gate');
      await page.page.locator('.screen:visible').click();
      await page.type(`until [ -e ${gate} ]; do sleep 0.1; done; exit\n`);
      await page.button('Download').click();
      await question.getByLabel('Path').waitFor();
      writeFileSync(gate, '');
      expect(await page.untilOver()).toBe('The shell has ended with 0.');
      await page.answerPath('user.pub', 'Download');
      expect(await page.page.locator('.panel:not([hidden]) .mark').textContent()).not.toContain('undefined');
    });
  });

  test('gives up a console that is closed while it waits, and offers the login when the server has begun anew', async () => {
    const engine = await startFakeEngine();
    engine.state.silentFor = /exec$/;
    const containers = [{ name: 'web-1', may: ['exec'] }];
    const { origin, restart, audited } = await startConsole({ containers, containerEngine: engine.path });
    const console = await openConsolePage(origin);
    await console.openContainer('web-1', 'exec');
    await until('the engine is asked', () => /exec$/.test(engine.state.asked.at(-1) ?? ''));
    await console.button('Close').click();
    await until('its end is in the log', () => audited().some(({ event }) => event === 'container closed'));
    expect(await console.page.locator('.panel').count()).toBe(0);

    await restart();
    await console.page.getByRole('button', { name: 'Log in again' }).click();
    await console.page.locator('#login').getByLabel('User').waitFor();
  });
});
