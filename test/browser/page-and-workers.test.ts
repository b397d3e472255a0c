import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { effort } from 'wsproxy-test-support/engine/effort';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { start } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { until } from 'wsproxy-test-support/until';
import { inPage, openClient, startPages } from './page.js';

const KILLS = effort('KILLS', 12);

describe('a page in Chromium', () => {
  skipUnlessInstalled('chromium');

  test('finds its session again from any worker of the server, with a ticket of any', async () => {
    const origin = await startPages();
    const tickets = ['--tickets', '/ticket', '--allow-origin', origin];
    const { program, port } = await start('wsproxy-server', ['--workers', '2', '--allow-private', ...tickets]);
    const relay = await new CuttingRelay(port).start();
    const { port: echo } = await startEcho();
    const page = await (await startChromium()).newPage();
    await openClient(page, origin, relay.port);
    await inPage(page, 'begin', echo);
    const wasHanded = (): boolean => /"handed":true[^\n]*"session resumed"/.test(program.stderr);
    // Which worker accepts a connection is the system's choice.
    for (let kills = 0; kills < KILLS || !wasHanded(); kills++) {
      expect(kills).toBeLessThan(10 * KILLS);
      const lost = [...relay.connections];
      relay.cut(kills % 2 === 0 ? 'reset' : 'end');
      await until('the WebSocket is lost', () => !lost.some((one) => relay.connections.has(one)));
      expect(await inPage(page, 'talk', `after ${kills}`)).toBe(`after ${kills}`);
    }
    expect(program.stderr).not.toContain('session ended');
  });
});
