import { once } from 'node:events';
import { get, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LocalPort } from 'wsproxy-node/accept';
import { parseDestinationRule } from 'wsproxy-node/targets';
import { serveStatus } from '../../src/status/status-page.js';
import { FakeClient } from './fake-client.js';

let page: LocalPort;
let port: number;
let proxy: AddressInfo | undefined;
let client: FakeClient;
/** How often the quota was asked for, and what comes of it. */
let questions: number;
let answering: Promise<unknown>;

beforeEach(async () => {
  proxy = { address: '127.0.0.1', port: 1080, family: 'IPv4' };
  client = new FakeClient();
  questions = 0;
  answering = Promise.resolve();
  const source = {
    status: () => client.status(),
    askQuota: () => {
      questions += 1;
      return answering;
    },
    events: client.events,
    proxy: () => proxy,
    bypass: [parseDestinationRule('printer.lan')],
  };
  page = await serveStatus(source, { host: '127.0.0.1', port: 0 });
  ({ port } = page.address);
});

afterEach(() => page.close());

async function ask(path: string, options: RequestOptions = {}) {
  const request = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...options }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response), headers: response.headers };
}

/** Watches until the test is over; what has come so far is in `texts`. */
async function watch() {
  const [response] = (await once(get({ host: '127.0.0.1', port, path: '/events', agent: false }), 'response')) as [
    IncomingMessage,
  ];
  const texts: string[] = [];
  response.setEncoding('utf8').on('data', (chunk: string) => texts.push(chunk));
  return { response, texts };
}

describe('the status page', () => {
  test('is a page whose every part comes from here', async () => {
    const { status, body, headers } = await ask('/');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const parts = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => part);
    expect(parts).toEqual(expect.arrayContaining(['page.css', 'app.js', 'uplot.js', 'uplot.css', 'icon.svg']));
    for (const part of parts) expect(await ask(`/${part}`), part).toMatchObject({ status: 200 });
    expect(body).not.toMatch(/<script[^>]*>[^<]|style="|\son\w+=/);
  });

  test('serves every script that another one imports', async () => {
    const pending = ['app.js'];
    const seen = new Set<string>();
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      const { status, body } = await ask(`/${name}`);
      expect(status, name).toBe(200);
      seen.add(name);
      for (const [, path = ''] of body.matchAll(/from '\.\/([^']+)'/g)) if (!seen.has(path)) pending.push(path);
    }
    expect([...seen]).toContain('chart.js');
  });

  test('tells scripts all that the client says', async () => {
    const { body, headers } = await ask('/status.json');
    expect(headers['content-type']).toBe('application/json');
    const { clockMs, version, history, events, channels, flows, ...rest } = JSON.parse(body) as Record<string, unknown>;
    const { channels: known, flows: knownFlows, ...status } = client.now;
    expect(rest).toEqual({
      ...JSON.parse(JSON.stringify(status)),
      ...{ rateUp: 0, rateDown: 0, proxy: '127.0.0.1:1080', channelCount: 1, idleCount: 0, flowCount: 1, ended: [] },
    });
    expect(channels).toEqual([{ ...known[0], rateUp: 0, rateDown: 0, idle: false }]);
    expect(flows).toEqual([{ ...knownFlows[0], rateUp: 0, rateDown: 0, idle: false }]);
    expect(clockMs).toBeGreaterThan(0);
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(history).toEqual({ seconds: [], tens: [] });
    expect(events).toMatchObject([{ what: 'connected', server: 'wss://proxy.example/' }]);
  });

  test('gives browsers a proxy.pac', async () => {
    const { body, headers } = await ask('/proxy.pac');
    expect(headers['content-type']).toBe('application/x-ns-proxy-autoconfig');
    expect(body).toMatch(/if \(host === "printer.lan"\) return "DIRECT";[^]*"SOCKS5 127\.0\.0\.1:1080; PROXY/);
  });

  test('names a proxy that listens on every address by the one that it was asked at', async () => {
    for (const address of ['0.0.0.0', '::']) {
      proxy = { address, port: 1080, family: '' };
      expect(JSON.parse((await ask('/status.json')).body)).toMatchObject({ proxy: '127.0.0.1:1080' });
    }
    proxy = { address: '::1', port: 1080, family: 'IPv6' };
    expect((await ask('/proxy.pac')).body).toContain('PROXY [::1]:1080');
  });

  test('has no proxy.pac when nothing offers a proxy over TCP', async () => {
    proxy = undefined;
    expect(await ask('/proxy.pac')).toMatchObject({ status: 404 });
    expect(JSON.parse((await ask('/status.json')).body)).not.toHaveProperty('proxy');
  });

  test('sends anyone who watches all at first, and then what has changed', async () => {
    const { response, texts } = await watch();
    expect(response.headers['content-type']).toBe('text/event-stream');
    await expect.poll(() => texts.length, { timeout: 5_000 }).toBe(2);
    for (const event of texts) expect(event).toMatch(/^data: \{[^\n]*\}\n\n$/);
    const [first, second] = texts.map((event) => JSON.parse(event.slice(6)) as unknown);
    expect(first).toMatchObject({ whole: true, proxy: '127.0.0.1:1080', channels: [{ id: 1 }], events: [{ id: 1 }] });
    expect(second).toMatchObject({ whole: false, figures: { resumes: 3 }, channels: [], events: [] });
  });

  test('asks for the quota only when somebody looks, and does not wait long for it', async () => {
    await ask('/');
    await expect.poll(() => client.looks, { timeout: 5_000 }).toBeGreaterThan(3);
    expect(questions).toBe(0);
    answering = new Promise(() => {});
    expect(await ask('/status.json')).toMatchObject({ status: 200 });
    expect(questions).toBe(1);
    const { texts } = await watch();
    await expect.poll(() => texts.length, { timeout: 5_000 }).toBeGreaterThan(1);
    expect(questions).toBeGreaterThan(1);
  });

  test('tells watchers all again when there is another proxy', async () => {
    const { texts } = await watch();
    proxy = { address: '127.0.0.1', port: 1090, family: 'IPv4' };
    await expect.poll(() => texts.length, { timeout: 5_000 }).toBe(2);
    expect(JSON.parse(texts[1]?.slice(6) ?? '')).toMatchObject({ whole: true, proxy: '127.0.0.1:1090' });
  });

  test('looks at the client only as long as it is served', async () => {
    await page.close();
    const { looks } = client;
    expect(client.events.eventNames()).toEqual([]);
    client.enter('waiting');
    expect(client.looks).toBe(looks);
  });

  test('lets sixteen watch, tells the next one no, and has room again when one leaves', async () => {
    const watching = await Promise.all(Array.from({ length: 16 }, watch));
    expect(await ask('/events')).toMatchObject({ status: 503 });
    expect(await ask('/status.json')).toMatchObject({ status: 200 });
    watching[0]?.response.destroy();
    await expect.poll(async () => (await watch()).response.statusCode).toBe(200);
  });
});

describe('refused is', () => {
  const PATHS = ['/', '/app.js', '/status.json', '/proxy.pac', '/events'];

  test.each(PATHS)('a host that is not ours, for %s', async (path) => {
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost']) {
      expect(await ask(path, { headers: { host } })).toMatchObject({ status: 421, body: 'Misdirected Request\n' });
    }
  });

  test.each(PATHS)('a page of another origin, for %s', async (path) => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' };
    expect(await ask(path, { headers })).toMatchObject({ status: 403, body: 'Forbidden\n' });
  });

  test('any method but GET', async () => {
    for (const method of ['POST', 'OPTIONS', 'DELETE']) {
      const { status, headers } = await ask('/', { method });
      expect([status, headers.allow]).toEqual([405, 'GET']);
    }
  });

  test('any other path', async () => {
    for (const path of [
      '/x',
      '//',
      '/page/../app.js',
      '/package.json',
      '/../client.js',
      '/uplot/dist/uPlot.cjs.js',
      '*',
    ]) {
      expect(await ask(path), path).toMatchObject({ status: 404, body: 'Not Found\n' });
    }
  });

  test('nothing allows another origin, and everything forbids to be framed, kept or guessed at', async () => {
    for (const path of [...PATHS.slice(0, -1), '/nothing']) {
      const { headers } = await ask(path);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
      expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
    }
  });
});
