import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { until } from 'wsproxy-test-support/until';
import { inPage, type PageInTunnel, startPage } from './page.js';

/** A page with a connection. */
async function startTalk(): Promise<PageInTunnel> {
  const { port } = await startEcho();
  const tunnel = await startPage();
  await inPage(tunnel.page, 'begin', port);
  expect(await inPage(tunnel.page, 'talk', 'before')).toBe('before');
  return tunnel;
}

describe('a page in Chromium', () => {
  skipUnlessInstalled('chromium');

  test.each([
    ['loaded again', ({ page }: PageInTunnel) => page.reload()],
    ['left for another', ({ page }: PageInTunnel) => page.goto('about:blank')],
    ['closed', ({ page }: PageInTunnel) => page.close({ runBeforeUnload: true })],
  ])('that is %s ends its session and its connections at once', async (_, leave) => {
    const tunnel = await startTalk();
    const { server } = tunnel;
    expect(server.sessionCount).toBe(1);
    await leave(tunnel);
    await until('the session is over', () => server.sessionCount === 0 && server.channelCount === 0);
  });

  test('that the browser may show again keeps its session', async () => {
    const { page } = await startTalk();
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
    expect(await inPage(page, 'talk', 'after')).toBe('after');
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false })));
    expect(await page.evaluate(() => globalThis.client.status.state)).toBe('gone');
  });
});
