import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, type Mock, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { SlabPool } from 'wsproxy-engine';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { until } from 'wsproxy-test-support/sockets/connected-sockets';
import { type WebSocketPair, webSocketPair } from 'wsproxy-test-support/sockets/websocket-pair';
import { type LateWebSocket, lateWebSocket } from '../../../src/internals/undocumented.js';
import { WebSocketTransport, type WsWebSocket } from '../../../src/transports/websocket/websocket-transport.js';

/** What the server's end hears. */
class Heard {
  bytes = Buffer.alloc(0);
  texts = 0;
  drains = 0;
  readonly closed: [number, string][] = [];

  onBytes(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }
  onText(): void {
    this.texts += 1;
  }
  onDrain(): void {
    this.drains += 1;
  }
  onClose(code: number, reason: string): void {
    this.closed.push([code, reason]);
  }
}

let memory: SlabPool;
let pair: WebSocketPair;
let client: WebSocket;
let server: WebSocketTransport;
let heard: Heard;
/** How often a WebSocket was made at the server. */
let made: () => number;
let onBroken: Mock;
let onClosed: Mock;

beforeEach(async () => {
  memory = newMemory();
  onBroken = vi.fn();
  onClosed = vi.fn();
  pair = await webSocketPair({ WebSocket: lateWebSocket(WebSocket) as typeof WebSocket });
  client = pair.client;
  const late = pair.server as unknown as LateWebSocket<WsWebSocket>;
  const begin = vi.spyOn(late, 'begin');
  made = () => begin.mock.calls.length;
  server = new WebSocketTransport(late, pair.serverSocket, { role: 'server', onBroken }, memory);
  server.receiver = heard = new Heard();
  server.onClosed = onClosed;
});

afterEach(() => pair.close());

test('bytes go both ways without a WebSocket at the server', async () => {
  const messages: Buffer[] = [];
  client.on('message', (data: Buffer) => messages.push(data));
  client.send(Buffer.from('there'));
  server.send([Buffer.from('and '), Buffer.from('back')]);
  await until(() => heard.bytes.length === 5 && messages.length === 1);
  expect([String(heard.bytes), String(messages[0]), made()]).toEqual(['there', 'and back', 0]);
  await until(() => heard.drains === 1);
});

test('a ping is answered, and bytes go on', async () => {
  client.ping('are you there');
  const [answer] = (await once(client, 'pong')) as [Buffer];
  client.send(Buffer.from('still'));
  await until(() => heard.bytes.length === 5);
  server.send([Buffer.from('here')]);
  const [message] = (await once(client, 'message')) as [Buffer];
  expect([String(answer), String(message), made()]).toEqual(['are you there', 'here', 1]);
});

test('fragments are joined, and text is told', async () => {
  client.send(Buffer.from('frag'), { fin: false });
  client.send(Buffer.from('ments'), { fin: true });
  await until(() => heard.bytes.length === 9);
  client.send('text');
  await until(() => heard.texts === 1);
  expect([String(heard.bytes), made()]).toEqual(['fragments', 1]);
});

test('a close frame of the client is answered, and told with its code', async () => {
  client.close(4003, 'frame type 9');
  const [code] = (await once(client, 'close')) as [number];
  await until(() => heard.closed.length > 0);
  expect([code, heard.closed]).toEqual([4003, [[4003, 'frame type 9']]]);
  await until(() => onClosed.mock.calls.length > 0);
  expect([onClosed.mock.calls.length, onBroken.mock.calls.length]).toEqual([1, 0]);
});

test('close sends what was given before, then the code and the reason', async () => {
  const events: string[] = [];
  client.on('message', (data: Buffer) => events.push(String(data)));
  client.on('close', (code, reason) => events.push(`${code} ${reason}`));
  server.send([Buffer.from('last')]);
  server.close(4001, 'access lost');
  server.send([Buffer.from('too late')]);
  await until(() => events.length === 2 && heard.closed.length > 0);
  expect([events, heard.closed]).toEqual([['last', '4001 access lost'], [[4001, 'access lost']]]);
});

test.each([
  ['the client resets', (socket: Socket) => socket.resetAndDestroy()],
  ['the client ends without a close frame', (socket: Socket) => socket.end()],
  ['the client destroys', (socket: Socket) => socket.destroy()],
  ['it is terminated here', () => server.terminate()],
])('where %s it is closed with 1006, once, without a WebSocket', async (_name, end) => {
  end(pair.clientSocket);
  await until(() => onClosed.mock.calls.length > 0);
  server.terminate();
  server.close(1000, '');
  server.send([Buffer.from('to nobody')]);
  expect([heard.closed, onClosed.mock.calls.length, made()]).toEqual([[[1006, '']], 1, 0]);
});

test('what breaks RFC 6455 is told by name', async () => {
  // A reserved opcode.
  pair.clientSocket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
  await until(() => heard.closed.length > 0);
  expect(heard.closed).toEqual([[1006, expect.stringContaining('invalid opcode')]]);
  expect(onBroken.mock.calls.length).toBe(1);
});

test('what a paused connection holds when it closes is brought first, and makes nothing', async () => {
  pair.serverSocket.pause();
  const header = [0x82, 0x84, 0, 0, 0, 0];
  pair.serverSocket.unshift(Buffer.from([...header, 1, 2, 3, 4, 0x89, 0x80, 0, 0, 0, 0]));
  pair.serverSocket.destroy();
  await until(() => heard.closed.length > 0);
  expect([[...heard.bytes], heard.closed, made()]).toEqual([[1, 2, 3, 4], [[1006, '']], 0]);
});

test('what the connection has not written is released when it closes', async () => {
  pair.clientSocket.pause();
  const slab = memory.post();
  const part = memory.keep(slab.bytes);
  memory.unpost(slab);
  while (server.backlog === 0) server.send([Buffer.alloc(50_000)]);
  server.send([part]);
  memory.release(part);
  expect(slab.keepers).toBe(1);
  server.terminate();
  await until(() => slab.keepers === 0);
});
