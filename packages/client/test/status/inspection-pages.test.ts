import { EventEmitter, once } from 'node:events';
import { get, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from 'wsproxy-engine';
import type { LocalPort } from 'wsproxy-node/accept';
import { until } from 'wsproxy-test-support/until';
import type { Sightings } from '../../page/sightings.js';
import { Exchanges } from '../../src/inspect/seen/exchanges.js';
import { MASK } from '../../src/inspect/seen/mask.js';
import { serveStatus } from '../../src/status/status-page.js';
import { respond, START, upgrade } from '../inspect/seen/fake-exchanges.js';
import { FakeClient } from './fake-client.js';

let page: LocalPort;
let port: number;
let exchanges: Exchanges;
const tryAgain = vi.fn();

beforeEach(async () => {
  exchanges = new Exchanges(systemClock);
  tryAgain.mockClear();
  const client = new FakeClient();
  const source = {
    status: () => client.status(),
    askQuota: () => Promise.resolve(),
    events: new EventEmitter(),
    proxy: () => undefined,
    bypass: [],
    inspected: { exchanges, mask: MASK, tryAgain },
  };
  page = await serveStatus(source as never, { host: '127.0.0.1', port: 0 });
  ({ port } = page.address);
});

afterEach(() => page.close());

async function ask(path: string, options: RequestOptions = {}) {
  const request = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...options }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response), headers: response.headers };
}

/** What has come so far. */
async function follow(path: string) {
  const [response] = (await once(get({ host: '127.0.0.1', port, path, agent: false }), 'response')) as [
    IncomingMessage,
  ];
  let all = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    all += chunk;
  });
  return { response, lines: () => all.split('\n').filter((line) => line !== '') };
}

/** An exchange that is over. */
function pass(body: string): void {
  const watcher = exchanges.onExchange({ ...START, headers: ['Authorization', 'Bearer secret'] });
  watcher.onRequestEnd([]);
  respond(watcher, 200, ['Content-Type', 'application/json']);
  watcher.onResponseBody(Buffer.from(body));
  watcher.onEnd();
}

describe('the page of what passes', () => {
  test('is a page whose every part comes from here', async () => {
    const { body, headers } = await ask('/inspect/');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'/);
    const pending = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part = '']) => part);
    expect(pending).toEqual(expect.arrayContaining(['app.js', 'inspect.css', '../page.css']));
    expect(body).not.toMatch(/<script[^>]*>[^<]|style="|\son\w+=/);
    const seen = new Set<string>();
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      const path = new URL(part, 'http://here/inspect/').pathname;
      if (seen.has(path)) continue;
      seen.add(path);
      const { status, body: script } = await ask(`${path}?follow=no`);
      expect(status, path).toBe(200);
      if (path.endsWith('.js')) for (const [, next = ''] of script.matchAll(/from '([^']+)'/g)) pending.push(next);
    }
    expect([...seen]).toEqual(expect.arrayContaining(['/inspect/detail.js', '/inspect/content.js', '/dom.js']));
  });

  test('is told first what is kept, then what is new and what is gone', async () => {
    pass('{}');
    const { lines } = await follow('/inspect/events');
    const told = () => lines().map((line) => JSON.parse(line.slice('data: '.length)) as Sightings);
    await until('the whole has come', () => told().length > 0);
    expect(told()[0]).toMatchObject({ whole: true, exchanges: [{ id: 1, status: 200, bytesDown: 2 }], passed: [] });
    pass('[]');
    exchanges.onPassedThrough({ host: 'pinned.example', port: 443 }, 'it refuses the certificate');
    await until('the news has come', () => told().some(({ passed, whole }) => !whole && passed !== undefined));
    expect(told().flatMap(({ whole, exchanges: some }) => (whole ? [] : some.map(({ id }) => id)))).toEqual([2]);
    exchanges.clear();
    await until('both are gone', () => told().flatMap(({ gone }) => gone).length === 2);
  });

  test('has the detail of an exchange, masked, and of a WebSocket the messages that are new', async () => {
    pass('{"password":"secret","a":1}');
    const { status, body } = await ask('/inspect/exchange?id=1');
    expect([status, body.includes('secret')]).toEqual([200, false]);
    expect(JSON.parse(body)).toMatchObject({
      requestHeaders: [['Authorization', 'Bearer ***']],
      responseBody: { text: '{"password":"***","a":1}', bytes: 27, mediaType: 'application/json' },
    });
    const watcher = exchanges.onExchange(START);
    upgrade(watcher);
    for (const letter of 'abc') watcher.onBytes('down', Buffer.from([0x81, 1, letter.charCodeAt(0)]));
    const { messages } = JSON.parse((await ask('/inspect/exchange?id=2&after=1')).body);
    expect(messages).toMatchObject([
      { number: 2, text: 'b' },
      { number: 3, text: 'c' },
    ]);
    expect((await ask('/inspect/exchange?id=99')).status).toBe(404);
    expect((await ask('/inspect/exchange')).status).toBe(404);
  });

  test('finds a text in headers, decoded bodies and messages, and no secrets', async () => {
    const first = exchanges.onExchange({ ...START, headers: ['X-Trace', 'Needle-1'] });
    first.onEnd();
    const second = exchanges.onExchange(START);
    respond(second, 200, ['Content-Encoding', 'gzip']);
    second.onResponseBody(gzipSync('a needle in the hay'));
    const third = exchanges.onExchange(START);
    upgrade(third);
    third.onBytes('down', Buffer.concat([Buffer.from([0x81, 6]), Buffer.from('NEEDLE')]));
    pass('{"password":"needle-in-secret"}');
    const find = async (text: string) => JSON.parse((await ask(`/inspect/search?text=${text}`)).body);
    expect(await find('needle')).toEqual({ ids: [3, 2, 1], isWhole: true });
    expect(await find('needle-in-secret')).toEqual({ ids: [], isWhole: true });
  });

  test('has the events of a stream of them', async () => {
    const watcher = exchanges.onExchange(START);
    respond(watcher, 200, ['Content-Type', 'text/event-stream']);
    watcher.onResponseBody(Buffer.from('event: tick\ndata: {"token":"secret"}\n\ndata: half'));
    const { kind, events } = JSON.parse((await ask('/inspect/exchange?id=1')).body);
    expect([kind, events]).toEqual(['events', [{ event: 'tick', data: '{"token":"***"}' }]]);
  });

  test('forgets all at a word of its own, and of no other page', async () => {
    pass('{}');
    const clear = (headers: Record<string, string>, method = 'POST') => ask('/inspect/clear', { method, headers });
    const foreign = { origin: 'https://evil.example' };
    expect((await clear({ ...foreign, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status).toBe(
      403,
    );
    expect((await clear({ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' })).status).toBe(403);
    expect((await clear(foreign)).status).toBe(403);
    expect((await clear({ host: 'evil.example' })).status).toBe(421);
    expect((await clear({}, 'GET')).status).toBe(404);
    expect((await ask('/inspect/exchange?id=1')).status).toBe(200);
    const { status } = await clear({ origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' });
    expect([status, [...exchanges.all()].length, tryAgain.mock.calls.length]).toEqual([204, 0, 1]);
    pass('{}');
    expect((await clear({})).status).toBe(204);
  });

  test('has what passed tried again at a word, and keeps all else', async () => {
    pass('{}');
    exchanges.onPassedThrough({ host: 'pinned.example', port: 443 }, 'it refuses the certificate');
    const { lines } = await follow('/inspect/events');
    const passed = () => lines().flatMap((line) => (JSON.parse(line.slice('data: '.length)) as Sightings).passed ?? []);
    await until('the whole has come', () => passed().length === 1);
    expect(
      (await ask('/inspect/try-again', { method: 'POST', headers: { origin: 'https://evil.example' } })).status,
    ).toBe(403);
    expect([exchanges.passed.length, tryAgain.mock.calls.length]).toEqual([1, 0]);
    expect((await ask('/inspect/try-again', { method: 'POST' })).status).toBe(204);
    expect([exchanges.passed.length, tryAgain.mock.calls.length, [...exchanges.all()].length]).toEqual([0, 1, 1]);
    const last = () => JSON.parse((lines().at(-1) ?? '').slice('data: '.length)) as Sightings;
    await until('it is gone from the page', () => last().passed?.length === 0);
  });

  test('is kept from other pages', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    for (const path of ['/inspect/', '/inspect.ndjson', '/inspect/events', '/inspect/exchange?id=1']) {
      expect((await ask(path, { headers })).status, path).toBe(403);
      expect((await ask(path, { headers: { host: 'evil.example' } })).status, path).toBe(421);
    }
  });
});

test('what passes is shown to this machine alone: the page is refused elsewhere', async () => {
  const client = new FakeClient();
  const source = { status: () => client.status(), events: client.events, proxy: () => undefined, bypass: [] };
  const inspected = { exchanges, mask: MASK };
  const serve = (host: string) => serveStatus({ ...source, inspected } as never, { host, port: 0 });
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org']) {
    await expect(serve(host)).rejects.toThrow(
      `other machines can reach ${host}, and would see all that --inspect sees`,
    );
  }
  await (await serve('localhost')).close();
});

describe('the lines for scripts', () => {
  test('are what is kept, then what passes', async () => {
    exchanges.onPassedThrough({ host: 'pinned.example', port: 443 }, 'no');
    pass('{"token":"secret"}');
    const { lines, response } = await follow('/inspect.ndjson');
    expect(response.headers['content-type']).toBe('application/x-ndjson');
    const told = () => lines().map((line) => JSON.parse(line));
    await until('what is kept has come', () => told().length === 2);
    const watcher = exchanges.onExchange(START);
    upgrade(watcher);
    watcher.onBytes('up', Buffer.from([0x81, 2, 0x68, 0x69]));
    watcher.onEnd();
    await until('what passes has come', () => told().length === 4);
    expect(told()).toMatchObject([
      { what: 'passed through', host: 'pinned.example', reason: 'no' },
      { what: 'exchange', id: 1, responseBody: { text: '{"token":"***"}' } },
      { what: 'message', exchange: 2, direction: 'up', text: 'hi' },
      { what: 'exchange', id: 2, kind: 'websocket', messageCount: 1 },
    ]);
  });

  test('end behind what is kept, if nothing more is wanted', async () => {
    pass('{}');
    const { body } = await ask('/inspect.ndjson?follow=no');
    expect(
      body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).id),
    ).toEqual([1]);
  });

  test('have at most four readers, and a place when one goes', async () => {
    const readers = await Promise.all([1, 2, 3, 4].map(() => follow('/inspect.ndjson')));
    expect((await ask('/inspect.ndjson')).status).toBe(503);
    readers[0]?.response.destroy();
    await until('there is a place', async () => (await ask('/inspect.ndjson?follow=no')).status === 200);
  });

  test('are missed by a reader that stops, who is told how many, while the rest goes on', async () => {
    const { response, lines } = await follow('/inspect.ndjson');
    response.pause();
    const body = 'a'.repeat(1_000_000);
    for (let n = 0; n < 200; n++) pass(body);
    expect(exchanges.held).toBeLessThan(67_108_864);
    response.resume();
    const told = () => lines().length;
    await until('it is told', () => lines().some((line) => line.startsWith('{"what":"missed"')), 20_000);
    const missed = lines().find((line) => line.startsWith('{"what":"missed"')) ?? '{}';
    expect(JSON.parse(missed).lines).toBeGreaterThan(50);
    expect(told()).toBeLessThan(150);
  });
});

test('there is nothing of all that where nothing is looked into', async () => {
  const client = new FakeClient();
  const source = { ...client, status: () => client.status(), proxy: () => undefined, bypass: [] };
  const plain = await serveStatus({ ...source, askQuota: () => Promise.resolve() } as never, {
    host: '127.0.0.1',
    port: 0,
  });
  ({ port } = plain.address);
  for (const path of ['/inspect/', '/inspect/app.js', '/inspect.ndjson', '/inspect/events', '/inspect/exchange?id=1']) {
    expect((await ask(path)).status, path).toBe(404);
  }
  expect((await ask('/inspect/clear', { method: 'POST' })).status).toBe(405);
  await plain.close();
});
