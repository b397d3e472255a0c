import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { checkSticky } from '../../src/doctor/check-sticky.js';
import { ProbeIdentity } from '../../src/doctor/probe-identity.js';
import { parseReach } from '../../src/reach/reach.js';
import { type Way, waysFor } from '../../src/reach/ways.js';

const HOME = 'ams-1.0123456789ab';
const OTHER = 'ams-1.ba9876543210';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A balancer with servers behind it: `owner` says which of them opens the nth request, and 503 what none does. */
async function examine(owner: (request: IncomingMessage, n: number) => string | undefined, tellsHome = true) {
  const requests: IncomingMessage[] = [];
  const http: Server = createServer();
  const upgrades = new WebSocketServer({ noServer: true, handleProtocols: () => 'wsproxy.v1' });
  http.on('upgrade', (request, socket, head) => {
    const route = owner(request, requests.push(request) - 1);
    if (route === undefined) return void socket.end('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
    upgrades.once('headers', (lines) => lines.push(`Wsproxy-Route: ${route}`));
    upgrades.handleUpgrade(request, socket, head, (ws) => ws.on('error', () => {}));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  closers.push(async () => {
    for (const ws of upgrades.clients) ws.terminate();
    const closed = once(http, 'close');
    http.close();
    http.closeAllConnections();
    await closed;
  });
  const url = new URL(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`);
  const server = { url, token: 'a-token-for-tests-0123456789-abcdefghij', reach: parseReach(url, {}) };
  const identity = new ProbeIdentity();
  const [way] = waysFor('ws', url) as [Way];
  const home = tellsHome ? HOME : undefined;
  const finding = await checkSticky(server, new AbortController().signal, way, identity, home);
  const told = requests.map(({ headers }) => [headers['wsproxy-resume'], headers['wsproxy-route']]);
  const sessions = new Set(requests.map(({ headers }) => headers['wsproxy-session']));
  return { finding, told, sessions: sessions.size };
}

describe('of a client that comes back it is told', () => {
  test('that it reaches the same process each time, where there is one', async () => {
    const { finding, told, sessions } = await examine(() => HOME);
    expect(finding).toEqual({ mark: 'ok', text: 'the client reaches the same process each time' });
    expect([told, sessions]).toEqual([Array(4).fill([undefined, undefined]), 1]);
  });

  test('that the server hands it on, where a balancer takes turns', async () => {
    const isResume = ({ headers }: IncomingMessage) =>
      headers['wsproxy-route'] === HOME && headers['wsproxy-resume'] === '1';
    const { finding } = await examine((request, n) => (isResume(request) || n % 2 === 0 ? HOME : OTHER));
    expect(finding).toMatchObject({ mark: 'ok', text: expect.stringMatching(/several processes; .* hands it on/) });
  });

  test('that it does not find its process again, and what to do', async () => {
    const { finding } = await examine((_request, n) => (n % 2 === 0 ? HOME : OTHER));
    expect(finding).toMatchObject({ mark: 'warn', cure: expect.stringContaining('Wsproxy-Session') });
  });

  test('nothing, when the server names no process, or takes no further connection', async () => {
    const silent = await examine(() => HOME, false);
    const full = await examine(() => undefined);
    expect([silent.finding.mark, silent.told, full.finding.mark]).toEqual(['skip', [], 'skip']);
  });
});
