import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { beforeAll, describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { SSHD } from 'wsproxy-test-support/destinations/sshd';
import { runOnOwnMachine } from 'wsproxy-test-support/programs/own-machine';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { until } from 'wsproxy-test-support/until';
import { buildConsole, NUMBERS, openSshConsole } from './console-page.js';

/** Stops the processes of a browser that draw its pages and speak to the network, as sleep does, until what is returned is called. */
async function putToSleep(page: Page): Promise<() => void> {
  const devtools = await page.context().browser()?.newBrowserCDPSession();
  const { processInfo = [] } = (await devtools?.send('SystemInfo.getProcessInfo')) ?? {};
  const stopped = processInfo.filter(({ type }) => /^renderer$|NetworkService/.test(type));
  if (stopped.length < 2) throw new Error(`only these: ${JSON.stringify(processInfo)}`);
  const tell = (signal: NodeJS.Signals): void => {
    for (const { id } of stopped) process.kill(id, signal);
  };
  tell('SIGSTOP');
  const wake = () => tell('SIGCONT');
  atEnd(wake);
  return wake;
}

describe('the web console', () => {
  skipUnlessInstalled('chromium');
  skipUnlessInstalled(SSHD);
  beforeAll(buildConsole);

  test('keeps its shell over sleep and while the browser is offline, and loses no byte', async () => {
    const { page, relay, sshd } = await openSshConsole();
    const [asleep, offline] = ['asleep', 'offline'].map((name) => join(sshd.folder, name)) as [string, string];
    const shell = await page.shell();
    await page.record();
    await page.typeNumbers('asleep', asleep);
    await page.untilScreen(/^asleep1$/m);
    const wake = await putToSleep(page.page);
    const { accepted } = relay;
    let passed = 0;
    relay.onBytes = (_connection, bytes) => {
      passed += bytes;
    };
    writeFileSync(asleep, '');
    // What the page has not read by then is lost with its WebSocket.
    await until('output comes to the page that sleeps', () => passed > 10_000);
    relay.cut('reset');
    wake();
    await page.untilScreen(/^asleep2$/m);
    expect(relay.accepted).toBeGreaterThan(accepted);

    await page.page.context().setOffline(true);
    relay.cut('reset');
    await page.page.locator('#app[data-state=away]').waitFor();
    await page.typeNumbers('offline', offline);
    await page.page.context().setOffline(false);
    await page.untilScreen(/^offline1$/m);
    writeFileSync(offline, '');
    await page.untilScreen(/^offline2$/m);
    const output = await page.recorded();
    for (const name of ['asleep', 'offline']) {
      expect(output.includes(`${name}1\r\n${NUMBERS}${name}2\r\n`)).toBe(true);
    }
    expect(await page.shell()).toBe(shell);
  });

  describe('in a browser that goes to another network', () => {
    for (const program of ['ip', 'unshare', 'nsenter']) skipUnlessInstalled(program);

    test('keeps its shell, and loses no byte', async (context) => {
      const script = new URL('inside/other-network.ts', import.meta.url);
      const { away, ...result } = await runOnOwnMachine<{ readonly away: number }>(context, script, [], 80_000, {
        // sshd becomes another user.
        users: 'all',
      });
      console.log(`back after ${Math.round(away)} ms`);
      expect(result).toEqual({ addresses: ['10.91.0.1', '10.92.0.1'], isSameShell: true, isWhole: true });
    }, 100_000);
  });
});
