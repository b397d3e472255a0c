import type { ExchangeStart, ExchangeWatcher, RawHeaders } from '../../../src/inspect/watcher.js';

export const START: ExchangeStart = {
  at: 1_000,
  connection: 1,
  destination: { host: 'shop.example', port: 443 },
  isSecure: true,
  version: '1.1',
  method: 'GET',
  url: 'https://shop.example/socket',
  headers: ['Host', 'shop.example', 'Upgrade', 'websocket', 'Connection', 'Upgrade'],
};

export function respond(watcher: ExchangeWatcher, status: number, headers: RawHeaders): void {
  watcher.onResponse({ at: 2_000, status, statusText: 'As said', version: '1.1', headers });
}

/** Makes a WebSocket of it. */
export function upgrade(watcher: ExchangeWatcher, extensions?: string): void {
  const extension = extensions === undefined ? [] : ['Sec-WebSocket-Extensions', extensions];
  respond(watcher, 101, ['Upgrade', 'websocket', ...extension]);
}
