import type { Socket } from 'node:net';
import type { Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import type { ServerOptions } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startDatagramEcho } from 'wsproxy-test-support/destinations/datagram-echo';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { complaintsOf, startChromium } from 'wsproxy-test-support/programs/chromium';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import { askConnect, byConnect, bySocks5, connectTo } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';

/** A tunnel with two echoes, and its status page at the size of a laptop. */
async function prepare(server: Partial<ServerOptions> = {}) {
  const [tunnel, first, second] = await Promise.all([startRelayedTunnel({ server }), startEcho(), startEcho()]);
  const { address } = await tunnel.client.serveStatus({ port: 0 });
  const browser = await startChromium();
  const page = await browser.newPage();
  const complaints = complaintsOf(page);
  await page.setViewportSize({ width: 1_280, height: 800 });
  await page.goto(`http://127.0.0.1:${address.port}/`);
  await until('it shows the tunnel', async () => (await textOf(page, 'state'))?.startsWith('Connected') === true);
  return { ...tunnel, ports: [first.port, second.port] as const, page, complaints };
}

const textOf = (page: Page, id: string) => page.locator(`#${id}`).textContent();
const cells = (page: Page, body: string, column: number) =>
  page.locator(`#${body} tr td:nth-child(${column})`).allTextContents();

/** Sends pieces of `size` until the socket is closed, and takes what comes back. */
function keepBusy(socket: Socket, size: number): void {
  socket.resume();
  const timer = setInterval(() => socket.write(Buffer.alloc(size)), 100);
  socket.once('close', () => clearInterval(timer));
}

describe('the status page in Chromium', () => {
  skipUnlessInstalled('chromium');

  test('tells who takes the line, the fastest first, and sorts by a click or a key', async () => {
    const { port, ports, page, complaints } = await prepare();
    const slow = await bySocks5(port, '127.0.0.1', ports[0]);
    const fast = await byConnect(port, '127.0.0.1', ports[1]);
    keepBusy(slow, 100);
    keepBusy(fast, 50_000);
    const [slowTarget, fastTarget] = ports.map((each) => `127.0.0.1:${each}`);
    const targets = () => cells(page, 'channels', 1);
    await until(
      'the fast one is first',
      async () => (await targets())[0] === fastTarget && (await targets()).length === 2,
    );
    await until('it has most of it', async () => /^(9\d|100) %$/.test((await cells(page, 'channels', 3))[0] ?? ''));
    expect(await cells(page, 'channels', 2)).toEqual(['HTTP', 'SOCKS5']);
    // What has gone up comes back a moment later.
    for (const column of [4, 5]) {
      const rate = async () => (await cells(page, 'channels', column))[0] ?? '';
      await until('its rate is shown', async () => /^[1-9][\d.]* KiB\/s$/.test(await rate()));
    }

    const order = (name: string) => page.getByRole('columnheader', { name }).getAttribute('aria-sort');
    expect(await order('Share')).toBe('descending');
    await page.getByRole('button', { name: 'Through' }).click();
    expect([await targets(), await order('Through'), await order('Share')]).toEqual([
      [fastTarget, slowTarget],
      'ascending',
      null,
    ]);
    await page.keyboard.press('Enter');
    expect([await targets(), await order('Through')]).toEqual([[slowTarget, fastTarget], 'descending']);
    await page.keyboard.press('Enter');
    expect([await targets(), await order('Share')]).toEqual([[fastTarget, slowTarget], 'descending']);
    expect(complaints).toEqual([]);
  });

  test('folds what is idle, and keeps what has ended, with how', async () => {
    const { port, ports, page } = await prepare();
    const quiet = await bySocks5(port, '127.0.0.1', ports[0]);
    const nobody = await freePort();
    const [status, refused] = await askConnect(port, '127.0.0.1', nobody);
    expect(status).toBe(502);
    refused.destroy();
    await until('it is idle', async () => (await textOf(page, 'idle-count')) === '1 idle connection', 20_000);
    expect(await textOf(page, 'no-channels')).toBe('Nothing moves now.');
    await page.locator('#idle-count').click();
    await until('it is unfolded', async () => (await cells(page, 'idle', 1))[0] === `127.0.0.1:${ports[0]}`);
    quiet.destroy();
    await until('it has ended', async () => (await cells(page, 'ended', 1))[0] === `127.0.0.1:${ports[0]}`);
    expect((await cells(page, 'ended', 3))[1]).toBe('connection refused');
  });

  test('shows flows of datagrams, to one peer and to any', async () => {
    const [{ client, page, complaints }, echo] = [await prepare(), await startDatagramEcho()];
    expect(await page.locator('#flows-section').isVisible()).toBe(false);
    const [one, any] = [client.datagrams(`127.0.0.1:${echo.port}`), client.datagrams()];
    const timer = setInterval(() => one.send(Buffer.alloc(1_000)), 50);
    atEnd(() => clearInterval(timer));
    await until('both are shown', async () => (await cells(page, 'flows', 1)).length === 2);
    await until('its rate is shown', async () => /^[1-9][\d.]* KiB\/s$/.test((await cells(page, 'flows', 3))[0] ?? ''));
    expect(await cells(page, 'flows', 1)).toEqual([`127.0.0.1:${echo.port}`, 'any']);
    expect(await cells(page, 'flows', 2)).toEqual(['program', 'program']);
    expect(Number((await cells(page, 'flows', 5))[0])).toBeGreaterThan(0);
    expect([await textOf(page, 'flow-count'), await textOf(page, 'no-channels')]).toEqual(['2 flows', 'None.']);
    clearInterval(timer);
    one.close();
    any.close();
    await until('they are gone', async () => !(await page.locator('#flows-section').isVisible()));
    expect(complaints).toEqual([]);
  });

  test('shows what servers listen on for the client, and who comes there', async () => {
    const { client, page, complaints, ports } = await prepare({ reverse: true });
    expect(await page.locator('#listeners-section').isVisible()).toBe(false);
    const forward = await client.forwardRemote({ port: 0, target: `127.0.0.1:${ports[0]}` });
    const proxy = await client.forwardRemote({ host: '0.0.0.0', port: 9_000, proxy: true, keepTrying: true });
    const rows = async () =>
      page
        .locator('#listeners tr')
        .evaluateAll((all) => all.map((row) => [...row.children].map((it) => it.textContent)));
    await until('both are shown', async () => (await rows()).length === 2);
    const application = await connectTo(forward.address?.port ?? 0);
    await until('somebody has come', async () => (await rows())[0]?.[4] === '1');
    const ends = `127.0.0.1:${ports[0]}, from 127.0.0.1:${application.localPort}`;
    expect([await cells(page, 'channels', 1), await cells(page, 'channels', 2)]).toEqual([[ends], ['remote listener']]);
    const [first, second] = await rows();
    expect(first?.slice(0, 2)).toEqual([`127.0.0.1:${forward.address?.port}`, `127.0.0.1:${ports[0]}`]);
    expect(first?.slice(2)).toEqual([expect.stringMatching(/^listening for \d+ s$/), '127.0.0.1', '1', '1']);
    expect(second?.slice(0, 2)).toEqual(['0.0.0.0:9000', 'SOCKS and HTTP']);
    expect(second?.[2]).toMatch(/^refused for \d+ s: no rule of the server lets this user listen there/);
    expect(await textOf(page, 'listener-count')).toBe('1 of 2 listen');
    expect(await page.getByRole('table', { name: 'What servers listen on for this client' }).isVisible()).toBe(true);
    await Promise.all([forward.close(), proxy.close()]);
    await until('they are gone', async () => !(await page.locator('#listeners-section').isVisible()));
    expect(complaints).toEqual([]);
  });

  test('says why the tunnel is away, since when, and when it is tried next; then that it is back', async () => {
    const { relay, page } = await prepare();
    await relay.stop();
    relay.cut('reset');
    await until('it says so', async () =>
      /^Not connected since \d\d:\d\d:\d\d$/.test((await textOf(page, 'state')) ?? ''),
    );
    await until(
      'it says why',
      async () => (await textOf(page, 'cause')) === 'Nothing listens there; the server may not run.',
    );
    await until('it says when', async () =>
      /^(next try in \d+ s|trying now)/.test((await textOf(page, 'details')) ?? ''),
    );
    await relay.start();
    await until('it is back', async () => (await textOf(page, 'state'))?.startsWith('Connected') === true, 20_000);
    const events = await page.locator('#events li span').allTextContents();
    expect(events[0]).toMatch(/^Connected again /);
    expect(events.slice(1, -1).some((text) => text.startsWith('Connection lost'))).toBe(true);
  });

  test('has the history that there was before it was opened, of two minutes and of an hour', async () => {
    const { client, port, ports, page } = await prepare();
    keepBusy(await bySocks5(port, '127.0.0.1', ports[0]), 10_000);
    const sent = () => client.status().bytesUp;
    await until('some seconds are over', () => sent() > 300_000, 20_000);
    await page.reload();
    const chart = page.locator('#chart');
    const label = () => chart.getAttribute('aria-label');
    await until('the chart has it', async () =>
      /^Traffic of the last two minutes; at most [1-9][\d.]* KiB\/s$/.test((await label()) ?? ''),
    );
    await page.getByRole('button', { name: '1 hour' }).click();
    expect(await page.getByRole('button', { name: '1 hour' }).getAttribute('aria-pressed')).toBe('true');
    expect(await label()).toMatch(/the last hour/);
    await page.getByRole('button', { name: '2 min' }).click();
    const box = await chart.boundingBox();
    const at = async () => {
      await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 24 - Math.random() * 4, (box?.y ?? 0) + 40);
      return textOf(page, 'reading');
    };
    await until('it tells what the pointer points at', async () =>
      /^\d\d:\d\d:\d\d: .* down, .* up$/.test((await at()) ?? ''),
    );
  });

  test('shows the connections above the fold of a laptop', async () => {
    const { port, ports, page } = await prepare();
    for (let n = 0; n < 8; n++) keepBusy(await bySocks5(port, '127.0.0.1', ports[n % 2] ?? 0), 1_000);
    await until('they are shown', async () => (await cells(page, 'channels', 1)).length === 8);
    const last = await page.locator('#channels tr:last-child').boundingBox();
    expect((last?.y ?? 800) + (last?.height ?? 0)).toBeLessThan(800);
  });
});
