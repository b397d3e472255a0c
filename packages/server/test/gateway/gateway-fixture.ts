import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { deafReceiver, type Logger, type Transport } from 'wsproxy-engine';
import { authorizationValues, WebSocketAcceptor } from 'wsproxy-node/transports';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { createGateway, type Gateway } from '../../src/gateway/gateway.js';
import type { GatewayLimits, GatewayOptions } from '../../src/gateway/gateway-options.js';
import { soleUser, UserDirectory } from '../../src/users/directory.js';
import type { User } from '../../src/users/user.js';

export const token = 'correct-horse-battery-staple-0123456789';
const cleanups: (() => unknown)[] = [];

/** Runs after the test, the last registered first. */
export function cleanUpWith(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export interface Fixture {
  readonly gateway: Gateway;
  readonly port: number;
  readonly transports: { readonly transport: Transport; readonly user: User }[];
  /** Transports whose connection is closed. */
  readonly closed: Transport[];
  /** Statuses that an observer was told of. */
  readonly refused: number[];
  readonly logs: { readonly level: string; readonly fields: object; readonly message: string }[];
}

export async function startGateway(
  limits: Partial<GatewayLimits> = {},
  path = '/tunnel',
  more: Partial<GatewayOptions> = {},
): Promise<Fixture> {
  const transports: Fixture['transports'] = [];
  const closed: Fixture['closed'] = [];
  const logs: Fixture['logs'] = [];
  const refused: number[] = [];
  const record = (level: string) => (fields: object, message: string) => logs.push({ level, fields, message });
  const logger: Logger = { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
  const directory = new UserDirectory([soleUser(token)]);
  const gateway = createGateway({
    path,
    authenticate: ({ rawHeaders }) => directory.authenticate(authorizationValues(rawHeaders)[0]),
    acceptors: [new WebSocketAcceptor(newMemory())],
    onTransport: (transport, user) => {
      transports.push({ transport, user });
      return () => closed.push(transport);
    },
    logger,
    limits,
    observer: { onRefusedRequest: (status) => refused.push(status) },
    ...more,
  });
  gateway.server.listen(0, '127.0.0.1');
  await once(gateway.server, 'listening');
  cleanups.push(async () => {
    const isClosed = gateway.close();
    for (const { transport } of transports) transport.terminate();
    await isClosed;
  });
  return { gateway, port: (gateway.server.address() as AddressInfo).port, transports, closed, refused, logs };
}

/** Has it send back what it brings. */
export function echo(transport: Transport | undefined): void {
  if (transport === undefined) throw new Error('there is no transport');
  transport.receiver = { ...deafReceiver, onBytes: (bytes) => transport.send([Buffer.from(bytes)]) };
}

export function openSocket(port: number, host = '127.0.0.1'): Socket {
  const socket = connect({ port, host });
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

export function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Everything the server answers until it closes. */
export async function exchange(port: number, bytes: string | Buffer): Promise<string> {
  const socket = openSocket(port);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
  });
  socket.write(bytes);
  await closeOf(socket);
  return answer;
}

export type Headers = Record<string, string | readonly string[] | undefined>;

/** The text of an upgrade that is right in all but the headers given; undefined takes one away. */
export function upgrade(changes: Headers = {}, requestLine = 'GET /tunnel HTTP/1.1'): string {
  const headers: Headers = {
    Host: 'proxy.example',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'wsproxy.v1',
    Authorization: `Bearer ${token}`,
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((text) => `${name}: ${text}\r\n`),
  );
  return `${requestLine}\r\n${lines.join('')}\r\n`;
}

export function plain(changes: Headers = {}, requestLine = 'GET /tunnel HTTP/1.1'): string {
  const none = { Upgrade: undefined, Connection: undefined, 'Sec-WebSocket-Version': undefined };
  return upgrade(
    { ...none, 'Sec-WebSocket-Key': undefined, 'Sec-WebSocket-Protocol': undefined, ...changes },
    requestLine,
  );
}

/** Sends an upgrade and waits for the head of the answer; the connection stays open. */
export async function upgradeRaw(port: number, request = upgrade()) {
  const socket = openSocket(port);
  socket.write(request);
  const [chunk] = await once(socket, 'data');
  return { socket, head: String(chunk) };
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
}
