import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { startWebSite } from 'wsproxy-test-support/destinations/web-site';
import { sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { complaintsOf, startChromium } from 'wsproxy-test-support/programs/chromium';
import { startFarEnd, startListening } from 'wsproxy-test-support/programs/listening';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const LENGTH = 3_000_000;

/** A port at the server that is a proxy, whose client opens one port of its own machine; and one that it does not open. */
async function startProxy(opened: number) {
  const [{ url }, port] = await Promise.all([startFarEnd(), freePort()]);
  let visits = 0;
  const closed = await listen((socket) => {
    visits += 1;
    socket.destroy();
  });
  // A name opens nothing private, no matter what it leads to.
  const rules = [`127.0.0.1:${opened}`, 'localhost'].flatMap((rule) => ['--reverse-allow', rule]);
  await startListening(url, [String(port)], { args: rules });
  return { port, closed: closed.port, visits: () => visits };
}

describe('-R with a port alone', () => {
  skipUnlessInstalled('curl');

  test('serves curl at the server, and reaches nothing that the client does not open', async () => {
    const [web, folder] = [await startWebFiles(), temporaryFolder()];
    const { port, closed, visits } = await startProxy(web.port);
    const copy = join(folder, 'copy');
    for (const way of [['socks5h'], ['http'], ['http', '--proxytunnel']] as const) {
      const [scheme, ...more] = way;
      const proxy = ['-x', `${scheme}://127.0.0.1:${port}`, ...more];
      const curl = (url: string) => run('curl', ['-sS', '--fail', ...proxy, '-o', copy, url]);
      const seed = way.join();
      expect(await curl(`http://localhost:${web.port}/${seed}/${LENGTH}`)).toMatchObject({ code: 0, stderr: '' });
      expect(await sha256OfFile(copy)).toBe(await sha256OfKeystream(seed, LENGTH));
      // Another port of its own machine, and what tells clouds their secrets.
      for (const refused of [`localhost:${closed}`, '169.254.169.254']) {
        const { code, stderr } = await curl(`http://${refused}/`);
        expect(stderr).toMatch(/403|SOCKS5/);
        expect(code).not.toBe(0);
      }
    }
    expect(visits()).toBe(0);
  });

  describe('in Chromium', () => {
    for (const program of ['chromium', 'openssl']) skipUnlessInstalled(program);

    test('shows the sites that the client opens, and no others', async () => {
      const site = await startWebSite(await makeCertificate(temporaryFolder(), 'DNS:localhost', 1));
      const { port, closed, visits } = await startProxy(site.port);
      const browser = await startChromium(`--proxy-server=socks5://127.0.0.1:${port}`);
      const page = await browser.newPage();
      const complaints = complaintsOf(page);
      await page.goto(`http://localhost:${site.port}/images`);
      await page.getByText('all', { exact: true }).waitFor();
      expect(complaints).toEqual([]);
      await expect(page.goto(`http://localhost:${closed}/`)).rejects.toThrow(/ERR_SOCKS_CONNECTION_FAILED/);
      expect(visits()).toBe(0);
      await browser.close();
    });
  });
});
