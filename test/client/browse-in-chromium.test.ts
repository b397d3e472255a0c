import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { startWebSite } from 'wsproxy-test-support/destinations/web-site';
import { sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { complaintsOf, startChromium } from 'wsproxy-test-support/programs/chromium';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { askSocks5 } from 'wsproxy-test-support/sockets/application';
import { type Cut, startCuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient, startTunnel, type TunnelOptions } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { formatBytes } from '../../packages/client/page/format.js';

const MIB = 1024 * 1024;
const DOWNLOAD = 50 * MIB;
const CUTS: readonly Cut[] = ['reset', 'end', 'reset', 'end', 'reset'];
/** Only the server can resolve it: what the browser gets of it has come through the tunnel. */
const NAME = 'site.test';

/** A site that only the server can find, a tunnel that is cut again and again, and its status page. */
async function prepare(client: TunnelOptions['client'] = {}) {
  const site = await startWebSite(await makeCertificate(temporaryFolder(), `DNS:${NAME}`, 1));
  const nameserver = await startNameserver((name) =>
    name === NAME ? { records: [{ value: '127.0.0.1' }] } : 'NXDOMAIN',
  );
  let relay = { cuts: 0 };
  const tunnel = await startTunnel({
    server: { egress: { nameservers: [nameserver.address] } },
    client,
    through: async (to) => {
      const cutting = await startCuttingRelay({ to, every: 9 * MIB, kinds: CUTS });
      relay = cutting;
      return cutting.port;
    },
  });
  const { address } = await tunnel.client.serveStatus({ port: 0 });
  const urls = { site: `http://${NAME}:${site.port}/`, status: `http://127.0.0.1:${address.port}/` };
  return { site, tunnel, urls, cuts: () => relay.cuts };
}

const textOf = (page: Page, id: string) => page.locator(`#${id}`).textContent();

async function open(browser: BrowserContext, url: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints = complaintsOf(page);
  await page.goto(url);
  return { page, complaints };
}

/** What the status page says of the state. */
const CONNECTED = 'Connected to 127.0.0.1';

/** What the status page says of a tunnel that is in use, and was cut. */
async function expectFigures(page: Page, resumes: number): Promise<void> {
  expect(resumes).toBeGreaterThanOrEqual(CUTS.length);
  const isTold = async () =>
    (await textOf(page, 'details'))?.includes(`${resumes} interruptions, nothing lost`) === true;
  await until('the page says how often', isTold);
  expect(await textOf(page, 'state')).toBe(CONNECTED);
  expect(await textOf(page, 'details')).toMatch(/^for \d+ (s|min) · by WebSocket · round trip [\d.]+ ms · /);
  for (const id of ['rate-down', 'rate-up']) expect(await textOf(page, id)).toMatch(/^[1-9][\d.]* (B|KiB|MiB)\/s$/);
  await until('the chart has a line', async () => Number(await page.evaluate(LINE_PIXELS)) > 20);
}

/** Pixels of the chart that have the colour of the line for what comes down. */
const LINE_PIXELS = `(() => {
  const canvas = document.querySelector('#chart canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colour = getComputedStyle(canvas).getPropertyValue('--down').match(/[0-9a-f]{2}/g).map((hex) => parseInt(hex, 16));
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (colour.every((part, j) => Math.abs(data[i + j] - part) < 8)) count += 1;
  return count;
})()`;

describe.each(['socks5', 'http'])('Chromium with --proxy-server=%s://', (scheme) => {
  skipUnlessInstalled('chromium');
  skipUnlessInstalled('openssl');

  test('loses nothing while the transport is killed five times, and the status page shows it', async () => {
    const { site, tunnel, urls, cuts } = await prepare();
    const [browser, watcher] = await Promise.all([
      startChromium(`--proxy-server=${scheme}://127.0.0.1:${tunnel.port}`),
      startChromium(),
    ]);
    const { page, complaints } = await open(browser, urls.site);
    const { page: status, complaints: statusComplaints } = await open(watcher, urls.status);
    const counts = async () => Promise.all(['events', 'ws', 'wss'].map(async (id) => Number(await textOf(page, id))));
    const haveGrown = async (than: number[]) => (await counts()).every((count, i) => count > (than[i] ?? 0) + 5);
    await until('all of them flow', () => haveGrown([0, 0, 0]), 20_000);

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
    const file = join(temporaryFolder(), 'download');
    const saved = download.saveAs(file);
    let pages = 0;
    do {
      const images = await open(browser, `${urls.site}images`);
      await until('there are all images', async () => (await textOf(images.page, 'images')) !== '', 30_000);
      expect([await textOf(images.page, 'images'), images.complaints]).toEqual(['all', []]);
      await images.page.close();
      pages += 1;
    } while (cuts() < CUTS.length);
    await saved;
    expect(await sha256OfFile(file)).toBe(await sha256OfKeystream('chromium', DOWNLOAD));
    const secure = await open(browser, `https://${NAME}:${site.tlsPort}/images`);
    await until('there are all images', async () => (await textOf(secure.page, 'images')) === 'all', 30_000);
    const before = await counts();
    await until('all of them still flow', () => haveGrown(before), 20_000);
    expect([complaints, secure.complaints, site.streams, site.webSockets]).toEqual([[], [], 1, 2]);

    await expectFigures(status, tunnel.client.status().resumes);
    const targets = await status.locator('#channels td:first-child, #ended td:first-child').allTextContents();
    expect(targets).toEqual(expect.arrayContaining([`${NAME}:${site.port}`, `${NAME}:${site.tlsPort}`]));
    await browser.close();
    await until('every channel is over', () => tunnel.client.channelCount === 0);
    const { bytesDown } = tunnel.client.status();
    await until('the page says the sum', async () => (await textOf(status, 'sum-down')) === formatBytes(bytesDown));
    expect(bytesDown).toBeGreaterThan(DOWNLOAD + (pages + 1) * 60 * 20_000);
    // What was on its way when the browser left.
    expect(site.bytesSent - bytesDown).toBeGreaterThanOrEqual(0);
    expect(site.bytesSent - bytesDown).toBeLessThan(MIB);
    await until(
      'it says that there are none',
      async () => (await textOf(status, 'no-channels'))?.startsWith('None') === true,
    );
    expect(statusComplaints).toEqual([]);
  });
});

describe('Chromium', () => {
  skipUnlessInstalled('chromium');
  skipUnlessInstalled('openssl');

  test('that is given proxy.pac goes through the tunnel, and past it where --bypass says so', async () => {
    const { site, tunnel, urls } = await prepare({ bypass: ['direct.test'] });
    const targets: string[] = [];
    tunnel.client.on('channel', ({ change, target }) => change === 'open' && targets.push(target));
    // The tunnel's server does not know this name.
    const rules = ['--host-resolver-rules=MAP direct.test 127.0.0.1', `--proxy-pac-url=${urls.status}proxy.pac`];
    const browser = await startChromium(...rules);
    const direct = await open(browser, `http://direct.test:${site.port}/images`);
    await until('there are all images', async () => (await textOf(direct.page, 'images')) === 'all', 20_000);
    expect(targets).toEqual([]);
    const tunneled = await open(browser, `${urls.site}images`);
    await until('there are all images', async () => (await textOf(tunneled.page, 'images')) === 'all', 20_000);
    expect(new Set(targets)).toEqual(new Set([`${NAME}:${site.port}`]));
    expect([direct.complaints, tunneled.complaints]).toEqual([[], []]);
    await browser.close();
  });
});

describe('the status page in Chromium', () => {
  skipUnlessInstalled('chromium');
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('curl');

  async function prepareWatcher() {
    const all = await prepare();
    const browser = await startChromium();
    await browser.grantPermissions(['clipboard-read', 'clipboard-write']);
    const watching = await open(browser, all.urls.status);
    await until('it shows the tunnel', async () => (await textOf(watching.page, 'state')) === CONNECTED);
    return { ...all, ...watching };
  }

  test('copies a curl line that works and the proxy settings, also by the keyboard alone', async () => {
    const { page, complaints, tunnel, urls } = await prepareWatcher();
    const copied = async () => String(await page.evaluate('navigator.clipboard.readText()'));
    await page.getByRole('button', { name: 'Copy curl line' }).click();
    await page.getByText('Copied.').waitFor();
    const line = await copied();
    expect(line).toBe(`curl -x socks5h://127.0.0.1:${tunnel.port} https://example.com/`);
    const { stdout } = await run('sh', ['-c', `${line.replace('https://example.com/', urls.site)} -s`]);
    expect(stdout).toContain('<title>site</title>');

    const button = page.getByRole('button', { name: 'Copy proxy settings' });
    await until('it has the focus', async () => {
      await page.keyboard.press('Tab');
      return button.evaluate((element) => element === element.ownerDocument.activeElement);
    });
    await page.keyboard.press('Enter');
    await until('it is copied', async () => (await copied()).startsWith('export'));
    const settings = await copied();
    const show = `${settings}; curl -s ${urls.site}; curl -s ${urls.site.replace('http:', 'https:')}`;
    expect((await run('sh', ['-c', `${show} -o /dev/null; true`])).stdout).toContain('<title>site</title>');
    expect(complaints).toEqual([]);
  });

  test.each(['light', 'dark'] as const)(
    'can be read in %s colours, on a phone as on a desktop',
    async (colorScheme) => {
      const { page, tunnel } = await prepareWatcher();
      const long = `${'a-long-name.'.repeat(18)}test`;
      void askSocks5(tunnel.port, long, 80).then(([, socket]) => socket.destroy());
      await page.emulateMedia({ colorScheme });
      for (const width of [320, 360, 1_280]) {
        await page.setViewportSize({ width, height: 700 });
        expect(await page.evaluate('document.documentElement.scrollWidth'), `at ${width}`).toBeLessThanOrEqual(width);
        expect(Number(await page.evaluate(LEAST_CONTRAST)), `at ${width}`).toBeGreaterThanOrEqual(4.5);
        await until('the chart fits', async () => Number(await page.evaluate(CHART_EXCESS)) <= 0);
      }
    },
  );

  test('says when the client is gone, and goes on when it is back', async () => {
    const { page, tunnel, urls } = await prepareWatcher();
    await tunnel.client.close();
    await until('it says so', async () => (await textOf(page, 'state')) === 'wsproxy-client does not answer');
    const { client } = await startClient(tunnel.serverPort);
    await client.serveStatus({ port: Number(new URL(urls.status).port) });
    await until('it is back', async () => (await textOf(page, 'state')) === CONNECTED, 10_000);
  });
});

/** Of all text on the page against what is behind it (WCAG 2 section 1.4.3). */
const LEAST_CONTRAST = `(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const channel = (value) => value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    const colour = parse(getComputedStyle(element).backgroundColor);
    return colour[3] === 0 ? behind(element.parentElement) : colour;
  };
  const isText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  const ratios = [...document.body.querySelectorAll('*')].filter(isText).map((element) => {
    const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
  return Math.min(...ratios);
})()`;

/** By how many pixels the chart is wider than its place. */
const CHART_EXCESS = `document.querySelector('#chart .uplot').offsetWidth - document.querySelector('#chart').clientWidth`;
