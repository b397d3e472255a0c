import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSocket } from '../../src/reach/open-socket.js';
import { parseReach, type Reach } from '../../src/reach/reach.js';

let server: Server;
let url: URL;
let reach: Reach;

beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  reach = parseReach(url, {});
});

afterEach(() => {
  server.close();
});

/** What a signal keeps: its listeners, and signals that were made of it. */
function keptBy(signal: AbortSignal): number {
  const made = Object.getOwnPropertySymbols(signal).filter((symbol) => /dependant/i.test(String(symbol)));
  const sizes = made.map(
    (symbol) => (signal as unknown as Record<symbol, Set<unknown> | undefined>)[symbol]?.size ?? 0,
  );
  return getEventListeners(signal, 'abort').length + sizes.reduce((sum, size) => sum + size, 0);
}

test('A connection leaves nothing behind at a signal that lives longer', async () => {
  const { signal } = new AbortController();
  for (let opened = 0; opened < 3; opened++) (await openSocket(url, reach, signal, 5_000)).destroy();
  expect(keptBy(signal)).toBe(0);
  AbortSignal.any([signal]);
  expect(keptBy(signal)).toBe(1);
});

test('A connection is given up with its signal', async () => {
  const giveUp = new AbortController();
  giveUp.abort();
  await expect(openSocket(url, reach, giveUp.signal, 5_000)).rejects.toThrow('given up');
});
