import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createClient } from 'wsproxy-client';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { complaintsOf, startChromium } from 'wsproxy-test-support/programs/chromium';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { listenOn } from './listen-on.js';

/** Of all that is shown, each may be written by a stranger. */
const HOSTILE = `<img src="x" onerror="window.hacked = 1"><script>window.hacked = 1</script>`;

/** A site that answers as its paths say, and echoes on a WebSocket. */
function startSite() {
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.once('end', () => answer(incoming.url ?? '', response));
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  atEnd(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  return listenOn(server);
}

function answer(path: string, response: ServerResponse): void {
  if (path.startsWith('/hostile')) {
    response.writeHead(404, HOSTILE, { 'Content-Type': `text/html; a=${HOSTILE}`, 'X-Hostile': HOSTILE }).end(HOSTILE);
  } else if (path === '/events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(`event: ${HOSTILE}\ndata: ${HOSTILE}\n\n`);
  } else {
    const headers = {
      'Content-Type': 'application/json',
      'Content-Encoding': 'gzip',
      'Set-Cookie': 'sid=secret; Path=/',
    };
    response.writeHead(200, headers).end(gzipSync('{"items":[1,2.50],"password":"secret"}'));
  }
}

/** A client that looks into what goes to a site, and the view of it. */
async function prepare(scriptText?: string) {
  const [{ port: serverPort }, site] = [await startServer(), await startSite()];
  const folder = temporaryFolder();
  const archive = join(folder, 'seen.har');
  const client = createClient({ url: `ws://127.0.0.1:${serverPort}/`, token: TOKEN });
  atEnd(() => client.close());
  const script = join(folder, 'script.mjs');
  if (scriptText !== undefined) writeFileSync(script, scriptText);
  await client.inspect({
    ...{ rules: ['127.0.0.1'], folder: join(folder, 'inspect'), archive },
    ...(scriptText !== undefined && { script }),
  });
  const { address } = await client.serveStatus({ port: 0 });
  const agent = client.agent();
  const browser = await startChromium();
  const page = await browser.newPage();
  const complaints = complaintsOf(page);
  await page.setViewportSize({ width: 1_280, height: 900 });
  const url = `http://127.0.0.1:${address.port}/`;
  return {
    ...{ client, page, complaints, archive, url },
    ask: async (path: string, method = 'GET', body = '') => {
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: 'Bearer secret' };
      const asked = request({ host: '127.0.0.1', port: site, path, method, agent, headers }).end(body);
      const [response] = await once(asked, 'response');
      return text(response);
    },
    openSocket: async (path: string) => {
      const socket = new WebSocket(`ws://127.0.0.1:${site}${path}`, { agent });
      await once(socket, 'open');
      return socket;
    },
  };
}

const urls = (page: Page) => page.locator('#exchanges tr td:first-child').allTextContents();
const paths = async (page: Page) =>
  (await urls(page)).map((url) => url.replace(/^(?:http|ws):\/\/127\.0\.0\.1:\d+/, ''));
const textOf = (page: Page, selector: string) => page.locator(selector).textContent();

async function shows(page: Page, wanted: readonly string[]): Promise<void> {
  await until(`the list is ${wanted}`, async () => (await paths(page)).join() === wanted.join());
}

describe('the view of what passes in Chromium', () => {
  skipUnlessInstalled('chromium');

  test('lists requests live, finds them, and shows one in detail, decoded and masked', async () => {
    const { page, url, ask, complaints } = await prepare();
    await page.goto(url);
    await page.getByRole('link', { name: 'Inspected traffic' }).click();
    expect(await textOf(page, '#no-exchanges')).toBe('Nothing has passed yet.');
    await ask('/cart?token=secret', 'POST', 'user=me&password=secret');
    await ask('/events');
    await ask('/hostile');
    await shows(page, ['/hostile', '/events', '/cart?token=***']);
    await page.getByRole('button', { name: 'Failed' }).click();
    await shows(page, ['/hostile']);
    await page.getByRole('button', { name: 'Events' }).click();
    await shows(page, ['/events']);
    await page.getByRole('button', { name: 'All' }).click();
    await page.getByRole('searchbox').fill('post json');
    await shows(page, ['/cart?token=***']);
    expect(await textOf(page, '#exchange-count')).toBe('1 of 3');
    await page.getByRole('searchbox').fill('"items"');
    await shows(page, []);
    await page.getByRole('button', { name: 'In contents' }).click();
    await shows(page, ['/cart?token=***']);
    expect(await textOf(page, '#exchange-count')).toBe('1 of 3, found in contents');

    await page.getByRole('button', { name: '/cart' }).click();
    await until('it is shown', async () => (await textOf(page, '#detail-title')) === 'POST 200');
    await until('its body is shown', async () => (await textOf(page, '#response-body'))?.includes('2.50') === true);
    const body = await textOf(page, '#response-body pre');
    expect(body).toBe('{\n  "items": [\n    1,\n    2.50\n  ],\n  "password": "***"\n}');
    await page.locator('#response-body').getByRole('button', { name: 'Hex' }).click();
    expect(await textOf(page, '#response-body pre')).toMatch(/^00000000 {2}7b 22 69 74 65 6d 73 22 /);
    expect(await textOf(page, '#request-body pre')).toBe('user=me&password=***');
    expect(await textOf(page, '#request-headers')).toMatch(/AuthorizationBearer \*\*\*/i);
    expect(await textOf(page, '#response-headers')).toContain('sid=***; Path=/');
    expect(await page.content()).not.toContain('secret');
    // The first page was left, with what it listened to.
    expect(complaints.filter((one) => one !== `${url}events: net::ERR_ABORTED`)).toEqual([]);
  });

  test('marks what a script has changed', async () => {
    const { page, url, ask } = await prepare("export default { onRequest: () => new Response('made') };");
    await page.goto(`${url}inspect/`);
    expect(await ask('/made')).toBe('made');
    await shows(page, ['/made']);
    expect(await page.locator('#exchanges tr td:nth-child(3)').allTextContents()).toEqual(['200, script']);
    await page.getByRole('searchbox').fill('script');
    await shows(page, ['/made']);
    await page.getByRole('button', { name: '/made' }).click();
    await until(
      'it is shown',
      async () => (await textOf(page, '#facts'))?.includes('Changed by the scriptanswer') === true,
    );
  });

  test('shows the messages of a WebSocket both ways as they pass, also compressed', async () => {
    const { page, url, openSocket, complaints } = await prepare();
    await page.goto(`${url}inspect/`);
    const socket = await openSocket('/socket');
    await shows(page, ['/socket']);
    await page.getByRole('button', { name: '/socket' }).click();
    socket.send('{"hello":"world"}');
    const rows = () =>
      page
        .locator('#messages tr')
        .evaluateAll((all) => all.map((row) => [...row.children].slice(0, 3).map((cell) => cell.textContent)));
    await until('both are shown', async () => (await rows()).length === 2);
    expect(await rows()).toEqual([
      ['{"hello":"world"}', '↓ down', 'text'],
      ['{"hello":"world"}', '↑ up', 'text'],
    ]);
    socket.send(Buffer.from([0, 1, 0xff]));
    await until('all are shown', async () => (await rows()).length === 4);
    expect((await rows())[0]).toEqual(['(binary)', '↓ down', 'binary']);
    await page.locator('#messages tr').first().click();
    expect(await textOf(page, '#message-content pre')).toMatch(/^00000000 {2}00 01 ff /);
    await page.locator('#messages tr').last().click();
    expect(await textOf(page, '#message-content pre')).toBe('{\n  "hello": "world"\n}');
    expect(await textOf(page, '#message-count')).toBe('4');
    expect(complaints).toEqual([]);
  });

  test('stands still while it is paused, and forgets all when it is cleared', async () => {
    const { page, url, ask, complaints, client } = await prepare();
    await page.goto(`${url}inspect/`);
    await ask('/a');
    await shows(page, ['/a']);
    await page.getByRole('button', { name: 'Pause' }).click();
    await ask('/b');
    const isKnown = async () => (await (await fetch(`${url}inspect.ndjson?follow=no`)).text()).includes('/b');
    await until('it has passed', isKnown);
    const other = await page.context().newPage();
    await other.goto(`${url}inspect/`);
    await shows(other, ['/b', '/a']);
    expect(await paths(page)).toEqual(['/a']);
    await page.getByRole('button', { name: 'Go on' }).click();
    await shows(page, ['/b', '/a']);
    const greeter = await listenOn(createTcpServer((socket) => void socket.on('error', () => {}).end('220 hello\r\n')));
    (await client.connect({ host: '127.0.0.1', port: greeter })).resume();
    await until('it is told', async () => (await textOf(page, '#passed'))?.includes('speaks first') === true);
    await page.getByRole('button', { name: 'Try again' }).click();
    await until('nothing is told any more', () => page.locator('#passed').isHidden());
    await page.getByRole('button', { name: 'Clear' }).click();
    await Promise.all([shows(page, []), shows(other, [])]);
    expect(complaints).toEqual([]);
  });

  test('never runs what strangers write: in URLs, methods, reasons, headers, bodies, events and messages', async () => {
    const { page, url, ask, openSocket, complaints, client, archive } = await prepare();
    await page.goto(`${url}inspect/`);
    const path = `/hostile?${encodeURI(HOSTILE)}`;
    await ask(path, 'POST', HOSTILE);
    await ask('/events');
    const socket = await openSocket(`/${encodeURI(HOSTILE)}`);
    socket.send(HOSTILE);
    await until('all are there', async () => (await urls(page)).length === 3);
    const look = async (name: string, place: string) => {
      await page.getByRole('button', { name }).click();
      await until(`${place} is shown`, async () => (await textOf(page, place))?.includes(HOSTILE) === true);
    };
    await look('/hostile', '#response-body');
    for (const place of ['#request-body', '#response-headers', '#facts'])
      expect(await textOf(page, place), place).toContain(HOSTILE);
    await look('/events', '#stream-events');
    await look('/%3Cimg', '#messages');
    await page.locator('#messages tr').first().click();
    expect(await textOf(page, '#message-content pre')).toBe(HOSTILE);
    expect(await page.locator('img, script:not([src])').count()).toBe(0);
    expect(await page.evaluate(() => (globalThis as { hacked?: number }).hacked)).toBeUndefined();
    expect(complaints).toEqual([]);
    socket.terminate();
    await client.close();
    const { log } = JSON.parse(readFileSync(archive, 'utf8'));
    expect(log.entries).toHaveLength(3);
  });

  test('is an archive that the DevTools of Chromium load, with bodies and messages', async () => {
    const { ask, openSocket, client, archive, page } = await prepare();
    await ask('/cart', 'POST', 'user=me');
    await ask('/hostile');
    const socket = await openSocket('/socket');
    socket.send('hello');
    await once(socket, 'message');
    socket.close();
    await once(socket, 'close');
    await client.close();
    await page.goto('devtools://devtools/bundled/devtools_app.html');
    // As text: what compiles tests would replace the import.
    const devTools = await page.evaluateHandle(`import('devtools://devtools/bundled/models/har/har.js')`);
    const file = JSON.parse(readFileSync(archive, 'utf8'));
    const loaded = await page.evaluate(loadIntoDevTools, { devTools, file });
    expect(loaded).toEqual([
      { method: 'POST', path: '/cart', status: 200, body: '{"items":[1,2.50],"password":"***"}', frames: [] },
      { method: 'GET', path: '/hostile', status: 404, body: HOSTILE, frames: [] },
      { method: 'GET', path: '/socket', status: 101, body: '', frames: ['send hello', 'receive hello'] },
    ]);
  });
});

/** By the code that they read a file with; what it has then is what they show. */
// biome-ignore lint/suspicious/noExplicitAny: DevTools have no types here.
async function loadIntoDevTools({ devTools, file }: { devTools: any; file: unknown }): Promise<readonly object[]> {
  const { HARFormat, Importer } = devTools;
  const requests = Importer.Importer.requestsFromHARLog(new HARFormat.HARRoot(file).log);
  return Promise.all(
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    requests.map(async (request: any) => ({
      method: request.requestMethod,
      path: new URL(request.url()).pathname,
      status: request.statusCode,
      body: (await request.requestContentData()).text ?? '',
      frames: request.frames().map((frame: { type: string; text: string }) => `${frame.type} ${frame.text}`),
    })),
  );
}
