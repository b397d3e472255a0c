import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { udpDestination } from 'wsproxy-test-support/destinations/udp-destination';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { CHROMIUM } from 'wsproxy-test-support/programs/chromium-program';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { startWispServer } from 'wsproxy-test-support/wire/wisp-client';
import { installClients } from './installed-clients.js';

const packages = installClients();
const CARD = fileURLToPath(new URL('emulated-network-card.mjs', import.meta.url));
skipUnlessInstalled(CHROMIUM);

const LENGTH = 1_000_000;

/** A site that says its path, and a lot behind it. */
async function startSite(): Promise<number> {
  const site = createServer((request, response) => response.end(`${request.url} ${'x'.repeat(LENGTH)}`));
  return (await listenOn(site)).port;
}

/** A page whose scripts may import the packages, and a server that lets it in. */
async function openPage() {
  const pages = createServer(({ url = '' }, response) => {
    const isScript = url.endsWith('js');
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    if (isScript) createReadStream(join(packages, url)).pipe(response);
    else response.end('<title>page</title>');
  });
  const origin = `http://127.0.0.1:${(await listenOn(pages)).port}`;
  const { urlOf } = await startWispServer({ allowOrigins: [origin] });
  const page = await (await startChromium('--no-proxy-server')).newPage();
  await page.goto(origin);
  return { page, url: urlOf('alice'), port: await startSite() };
}

/** The same of what a client has fetched. */
const found = (text: string): [string, number] => [text.slice(0, text.indexOf(' ')), text.length];

/** Runs `code` in the page, where `url` and `port` are what they say here. */
function inPage(page: Page, code: string, values: { url: string; port: number }): Promise<string> {
  return page.evaluate(`(async ({ url, port }) => { ${code} })(${JSON.stringify(values)})`);
}

test('libcurl.js fetches in a page', async () => {
  const { page, url, port } = await openPage();
  const code = `
    const { libcurl } = await import('/libcurl.js/libcurl_full.mjs');
    await libcurl.load_wasm();
    libcurl.set_websocket(url);
    return (await libcurl.fetch('http://127.0.0.1:' + port + '/libcurl')).text();`;
  expect(found(await inPage(page, code, { url, port }))).toEqual(['/libcurl', '/libcurl '.length + LENGTH]);
});

test('epoxy fetches in a page', async () => {
  const { page, url, port } = await openPage();
  const code = `
    const { default: load } = await import('/@mercuryworkshop/epoxy-tls/pkg/epoxy-module-bundled.js');
    const { EpoxyClient } = await load();
    const client = await new EpoxyClient(url, 'agent', 10);
    return (await client.fetch('http://127.0.0.1:' + port + '/epoxy')).text();`;
  expect(found(await inPage(page, code, { url, port }))).toEqual(['/epoxy', '/epoxy '.length + LENGTH]);
});

test.each([1, 2])('wisp-js of version %i fetches in a page', async (version) => {
  const { page, url, port } = await openPage();
  const code = `
    const { client } = await import('/@mercuryworkshop/wisp-js/dist/wisp-client.mjs');
    const connection = new client.ClientConnection(url, { wisp_version: ${version} });
    await new Promise((resolve) => { connection.onopen = resolve; });
    const stream = connection.create_stream('127.0.0.1', port);
    const decoder = new TextDecoder();
    let text = '';
    stream.onmessage = (data) => { text += decoder.decode(data); };
    stream.send(new TextEncoder().encode('GET /wisp HTTP/1.0\\r\\n\\r\\n'));
    await new Promise((resolve) => { stream.onclose = resolve; });
    connection.close();
    return text.slice(text.indexOf('\\r\\n\\r\\n') + 4);`;
  expect(found(await inPage(page, code, { url, port }))).toEqual(['/wisp', '/wisp '.length + LENGTH]);
});

test.each([1, 2])('wisp-js of version %i sends and gets datagrams, in Node', async (version) => {
  const { urlOf } = await startWispServer();
  const { peer } = await udpDestination();
  // Node 20 has no WebSocket of its own.
  const code = pathToFileURL(join(packages, '@mercuryworkshop/wisp-js/src/entrypoints/client.mjs')).href;
  const { client } = (await import(code)) as { client: WispJs };
  const connection = new client.ClientConnection(urlOf('alice'), { wisp_version: version });
  await new Promise<void>((resolve) => {
    connection.onopen = resolve;
  });
  const stream = connection.create_stream(peer.host, peer.port, 'udp');
  const answer = new Promise<Uint8Array>((resolve) => {
    stream.onmessage = resolve;
  });
  stream.send(Buffer.from('hello'));
  expect(Buffer.from(await answer).toString()).toBe('echo: hello');
  connection.close();
});

test('the network of v86 fetches, by the frames of a network card', async () => {
  const { urlOf, log } = await startWispServer();
  const port = await startSite();
  const relay = urlOf('alice').replace('ws:', 'wisp:');
  const { stdout } = await run(process.execPath, [CARD, packages, relay, String(port), '/v86'], { timeout: 60_000 });
  const [head = '', body = ''] = stdout.split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 200 /);
  expect(found(body)).toEqual(['/v86', '/v86 '.length + LENGTH]);
  expect(log.join('\n')).toContain('"way":"Wisp"');
});

interface WispJs {
  readonly ClientConnection: new (
    url: string,
    options: object,
  ) => {
    onopen: () => void;
    create_stream(
      host: string,
      port: number,
      type: 'udp',
    ): { onmessage: (data: Uint8Array) => void; send(data: Uint8Array): void };
    close(): void;
  };
}
