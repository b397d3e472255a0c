import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Admin, createAdmin } from '../../src/admin/admin.js';
import { createServer, type Server } from '../../src/server.js';

let server: Server;
let admin: Admin;
let port: number;

beforeEach(async () => {
  server = createServer({ token: 'correct-horse-battery-staple-0123456789', allowPrivate: true });
  admin = await createAdmin(server);
  ({ port } = (await admin.listen({ port: 0 })) as AddressInfo);
});

afterEach(async () => {
  await server.close();
  await admin.close();
});

/** Status, body and headers of an answer. */
async function ask(path: string, options: RequestOptions = {}) {
  const request = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...options }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response), headers: response.headers };
}

describe('the admin pages', () => {
  test('say that the process lives', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  });

  test('say that it is ready from listening on until it drains', async () => {
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: 'not ready\n' });
    await server.listen({ port: 0 });
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: 'ready\n' });
    await server.close({ drain: 1_000 });
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: 'not ready\n' });
  });

  test('print metrics as Prometheus reads them', async () => {
    const { status, body, headers } = await ask('/metrics');
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(body).toMatch(/^# HELP /);
    expect(body).toContain('\nwsproxy_ready 0\n');
    expect(body).toMatch(/\nnodejs_eventloop_lag_p99_seconds \d/);
  });

  test('list sessions', async () => {
    const { status, body, headers } = await ask('/sessions?pretty');
    expect([status, body, headers['content-type']]).toEqual([200, '{"sessions":[]}\n', 'application/json']);
  });

  test('answer nothing else', async () => {
    for (const path of ['/', '/metrics/', '//metrics', '/../metrics', '/admin', '*']) {
      expect(await ask(path)).toMatchObject({ status: 404, body: 'Not Found\n' });
    }
  });

  test('are kept by nobody and guessed at by no browser', async () => {
    const { headers } = await ask('/sessions');
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('refused is', () => {
  test('a host that is not ours: a page whose name was made to resolve to this machine', async () => {
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost', `localhost:${port - 1}`]) {
      expect(await ask('/metrics', { headers: { host } })).toMatchObject({
        status: 421,
        body: 'Misdirected Request\n',
      });
    }
    expect(await ask('/metrics', { headers: { host: `localhost:${port}` } })).toMatchObject({ status: 200 });
  });

  test('no name that the pages were given', async () => {
    const named = await createAdmin(server, { hosts: ['wsproxy'] });
    const { port: at } = (await named.listen({ port: 0 })) as AddressInfo;
    const statuses = ['wsproxy:9090', 'WSPROXY', `localhost:${at}`, 'evil.example'].map(async (host) => {
      return (await ask('/metrics', { port: at, headers: { host } })).status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 421]);
    await named.close();
  });

  test('a page of any origin', async () => {
    for (const origin of ['https://evil.example', `http://127.0.0.1:${port}`, 'null']) {
      expect(await ask('/sessions', { headers: { origin } })).toMatchObject({ status: 403, body: 'Forbidden\n' });
    }
  });

  test('any method but GET', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, body, headers } = await ask('/sessions', { method });
      expect([status, body, headers.allow]).toEqual([405, 'Method Not Allowed\n', 'GET']);
    }
  });
});
