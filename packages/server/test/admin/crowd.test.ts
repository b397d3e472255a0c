import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startCrowd } from 'wsproxy-test-support/sockets/crowd';
import { createAdmin } from '../../src/admin/admin.js';
import { createHealth } from '../../src/admin/health.js';
import type { LocalPages } from '../../src/admin/local-pages.js';
import { createServer, type Server } from '../../src/server.js';

let server: Server;
const pages: LocalPages[] = [];
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  server = createServer({ token: 'correct-horse-battery-staple-0123456789' });
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  await Promise.all(pages.splice(0).map((each) => each.close()));
  await server.close();
});

const warnings: object[] = [];
const logger = { debug() {}, info() {}, warn: (fields: object) => void warnings.push(fields), error() {} };

async function start(name: 'admin' | 'health'): Promise<number> {
  const made = name === 'admin' ? await createAdmin(server, { logger }) : createHealth(server, { logger });
  pages.push(made);
  return ((await made.listen({ port: 0 })) as AddressInfo).port;
}

function openInSilence(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  return socket.resume();
}

async function statusOf(port: number, path: string): Promise<number | undefined> {
  const [response] = (await once(get({ port, host: '127.0.0.1', path, agent: false }), 'response')) as [
    IncomingMessage,
  ];
  await text(response);
  return response.statusCode;
}

describe.each(['admin', 'health'] as const)('the %s pages', (name) => {
  test.each([
    ['in silence', ''],
    ['with half a request', 'GET /healthz HTTP/1.1\r\nHost: '],
    ['with what nobody can expect', 'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: patience\r\n\r\n'],
  ])(
    'L4 answer beside a crowd that comes again and again %s',
    async (_, bytes) => {
      const port = await start(name);
      cleanups.push(startCrowd(port, 200, bytes));
      const statuses: unknown[] = [];
      for (let i = 0; i < 30; i += 1) statuses.push(await statusOf(port, '/healthz'));
      expect(statuses).toEqual(statuses.map(() => 200));
      // The crowd is in this process too, and takes most of what the machine has.
    },
    60_000,
  );

  test('answer one request of a connection, no matter what it expects', async () => {
    const port = await start(name);
    const request = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nExpect: patience\r\n\r\n`;
    const socket = connect(port, '127.0.0.1');
    socket.write(request + request);
    const answer = await text(socket);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*\r\n\r\nok\n$/);
  });
});

test('the health pages are two, and no others', async () => {
  const port = await start('health');
  expect(
    await Promise.all(['/healthz', '/readyz', '/metrics', '/sessions', '/'].map((path) => statusOf(port, path))),
  ).toEqual([200, 503, 404, 404, 404]);
  await server.listen({ port: 0 });
  expect(await statusOf(port, '/readyz')).toBe(200);
});

test('a crowd is told in the log', async () => {
  warnings.length = 0;
  const port = await start('health');
  for (let i = 0; i < 17; i += 1) openInSilence(port);
  await vi.waitFor(() => expect(warnings).toEqual([{ places: 16 }]), { timeout: 9_000 });
});

test('a probe that says nothing is closed after its time', async () => {
  const port = await start('health');
  const began = performance.now();
  await once(openInSilence(port), 'close');
  // Not before; how much later is the machine's.
  expect(performance.now() - began).toBeGreaterThan(1_900);
});
