import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { until } from 'wsproxy-test-support/until';
import { inPage, type PageInTunnel, startPage } from './page.js';

/** A page with a connection that is in use. */
async function startTalk(): Promise<PageInTunnel> {
  const { port } = await startEcho();
  const tunnel = await startPage();
  await inPage(tunnel.page, 'begin', port);
  expect(await inPage(tunnel.page, 'talk', 'before')).toBe('before');
  return tunnel;
}

const statusOf = ({ page }: PageInTunnel) => page.evaluate(() => globalThis.client.status);

describe('a page in Chromium', () => {
  skipUnlessInstalled('chromium');

  test('that was frozen goes on where it was, though its WebSocket was lost meanwhile', async () => {
    const tunnel = await startTalk();
    const { page, relay } = tunnel;
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    const [lost] = relay.connections;
    relay.cut('reset');
    await until('the WebSocket is lost', () => !relay.connections.has(lost as never));
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    expect(await inPage(page, 'talk', 'after')).toBe('after');
    expect(await statusOf(tunnel)).toMatchObject({ state: 'connected', resumes: 1 });
  });

  test('in the background comes back at once, without its timers: they are late there', async () => {
    const tunnel = await startTalk();
    const { page, relay } = tunnel;
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
      Object.assign(globalThis, { setTimeout: () => 0 });
      // A connection that has just begun is not worth it.
      const now = performance.now.bind(performance);
      performance.now = () => now() + 1_000;
    });
    relay.cut('reset');
    expect(await inPage(page, 'talk', 'after')).toBe('after');
    expect(await statusOf(tunnel)).toMatchObject({ state: 'connected', resumes: 1 });
  });

  test('that wakes up does not trust a WebSocket that is silent', async () => {
    const tunnel = await startTalk();
    const { page, relay } = tunnel;
    let passed = performance.now();
    relay.onBytes = () => {
      passed = performance.now();
    };
    // After data it asks for the round trip once more, at the second look.
    await until('nothing is under way that would be missed', () => performance.now() - passed > 3_000);
    for (const connection of relay.connections) connection.hold();
    const { accepted } = relay;
    await page.evaluate(() => document.dispatchEvent(new Event('resume')));
    // Without the event it says nothing for 15 s, and waits 5 s for the answer.
    await until('it has opened another WebSocket', () => relay.accepted > accepted, 12_000);
    expect(await inPage(page, 'talk', 'after')).toBe('after');
    expect(await statusOf(tunnel)).toMatchObject({ state: 'connected', resumes: 1 });
  });

  test('that is offline is away, and comes back as soon as it is online', async () => {
    const tunnel = await startTalk();
    const { page, relay } = tunnel;
    const states = page.evaluate(
      () =>
        new Promise<string[]>((resolve) => {
          const states: string[] = [];
          globalThis.client.addEventListener('state', () => {
            const { state } = globalThis.client.status;
            if (states.at(-1) !== state) states.push(state);
            if (state === 'connected') resolve(states);
          });
        }),
    );
    await page.context().setOffline(true);
    relay.cut('reset');
    await until('it has tried, and waits long', async () => {
      const { state, failedTries } = await statusOf(tunnel);
      return state === 'away' && failedTries >= 4;
    });
    const talk = inPage(page, 'talk', 'after');
    await page.context().setOffline(false);
    expect(await talk).toBe('after');
    expect(await states).toEqual(['away', 'connected']);
  });
});
