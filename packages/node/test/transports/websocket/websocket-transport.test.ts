import { once } from 'node:events';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SlabPool } from 'wsproxy-engine';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { until } from 'wsproxy-test-support/sockets/connected-sockets';
import { TransportLog } from 'wsproxy-test-support/sockets/transport-log';
import { type WebSocketPair, webSocketPair } from 'wsproxy-test-support/sockets/websocket-pair';
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport.js';

let memory: SlabPool;
let pair: WebSocketPair;
let client: WebSocketTransport;
let server: WebSocketTransport;
let atClient: TransportLog;
let atServer: TransportLog;

beforeEach(async () => {
  memory = newMemory();
  pair = await webSocketPair();
  client = new WebSocketTransport(pair.client, pair.clientSocket, { role: 'client', masks: true }, memory);
  server = new WebSocketTransport(pair.server, pair.serverSocket, { role: 'server' }, memory);
  client.receiver = atClient = new TransportLog();
  server.receiver = atServer = new TransportLog();
});

afterEach(() => pair.close());

describe('send', () => {
  test('brings the parts, in their order, in both directions', async () => {
    client.send([Buffer.from('one '), Buffer.from('two '), Buffer.from('three')]);
    server.send([Buffer.from('back')]);
    await until(() => atServer.length === 13 && atClient.length === 4);
    expect(atServer.bytes.toString()).toBe('one two three');
    expect(atClient.bytes.toString()).toBe('back');
  });

  test('changes nothing in the parts, which may have to be sent again', async () => {
    const part = pattern(1, 0, 30_000);
    client.send([part, part]);
    await until(() => atServer.length === 60_000);
    expect(Buffer.from(part).equals(pattern(1, 0, 30_000))).toBe(true);
    expect(atServer.bytes.equals(Buffer.concat([part, part]))).toBe(true);
  });

  test('leaves the memory in front of the parts alone, but for the headroom it was given', async () => {
    const memory = Buffer.alloc(100, 7);
    server.send([memory.subarray(50, 60)]);
    await until(() => atClient.length === 10);
    expect(memory.equals(Buffer.alloc(100, 7))).toBe(true);
    server.send([memory.subarray(50, 60)], 16);
    await until(() => atClient.length === 20);
    expect(memory.subarray(0, 34).equals(Buffer.alloc(34, 7))).toBe(true);
    expect(atClient.bytes.equals(Buffer.alloc(20, 7))).toBe(true);
  });

  test('keeps bytes that the system has not taken, no matter who else is done with them', async () => {
    pair.clientSocket.pause();
    const slab = memory.post();
    slab.bytes.fill(1);
    const part = memory.keep(slab.bytes);
    memory.unpost(slab);
    let sent = 0;
    while (server.backlog === 0) {
      server.send([Buffer.alloc(50_000)]);
      sent += 50_000;
    }
    server.send([part]);
    // As a peer does that acknowledges what it cannot have received.
    memory.release(part);
    const next = memory.post();
    expect(next).not.toBe(slab);
    memory.unpost(next);
    pair.clientSocket.resume();
    await until(() => atClient.length === sent + part.length && server.backlog === 0);
    expect(atClient.bytes.subarray(sent).equals(Buffer.alloc(part.length, 1))).toBe(true);
    await until(() => slab.keepers === 0);
  });

  test('tells when there is room again, once for each batch', async () => {
    client.send([Buffer.alloc(10), Buffer.alloc(10), Buffer.alloc(10)]);
    await until(() => atClient.drains > 0);
    expect(atClient.drains).toBe(1);
    expect(client.backlog).toBe(0);
  });

  test('counts what the peer does not take, and drains when it does', async () => {
    pair.server.pause();
    let sent = 0;
    while (client.backlog < 1_000_000) {
      client.send([pattern(1, sent, 50_000)]);
      sent += 50_000;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const before = atClient.drains;
    pair.server.resume();
    await until(() => client.backlog === 0 && atServer.length === sent);
    expect(atClient.drains).toBeGreaterThan(before);
    expect(atServer.bytes.equals(pattern(1, 0, sent))).toBe(true);
  });

  test('does nothing, and keeps nothing, once the WebSocket closes', async () => {
    client.close(1000, '');
    client.send([Buffer.alloc(1_000_000)]);
    expect(client.backlog).toBeLessThan(1_000);
    await until(() => atClient.closed.length > 0);
    client.send([Buffer.alloc(1_000_000)]);
    expect(client.backlog).toBe(0);
    expect(atServer.length).toBe(0);
  });
});

const ENDINGS = [
  [0x88],
  [0x88, 0x02],
  [0x88, 0x02, 0x03, 0xe9],
  [0x88, 0x82],
  [0x88, 0x82, 1, 2],
  [0x88, 0x82, 1, 2, 3, 4, 5, 6],
].map((bytes) => Buffer.from([...new Array(20).fill(1), ...bytes]));

describe.each([true, false])('a client that masks: %s', (mask) => {
  beforeEach(async () => {
    await pair.close();
    pair = await webSocketPair();
    client = new WebSocketTransport(pair.client, pair.clientSocket, { role: 'client', masks: mask }, memory);
    server = new WebSocketTransport(pair.server, pair.serverSocket, { role: 'server' }, memory);
    client.receiver = atClient = new TransportLog();
    server.receiver = atServer = new TransportLog();
  });

  test.each(ENDINGS)('gets and brings a message that ends as a close frame does at once', async (message) => {
    client.send([message]);
    server.send([message]);
    await until(() => atServer.length === message.length && atClient.length === message.length);
    expect([atServer.bytes, atClient.bytes]).toEqual([message, message]);
  });

  test.each([1, 125, 126, 65_535, 65_536, 200_000])('brings a batch of %d bytes in parts', async (length) => {
    const bytes = pattern(2, 0, length);
    client.send([bytes.subarray(0, length >> 1), bytes.subarray(length >> 1)]);
    server.send([bytes.subarray(0, length >> 1), bytes.subarray(length >> 1)]);
    await until(() => atServer.length === length && atClient.length === length);
    expect(atServer.bytes.equals(bytes) && atClient.bytes.equals(bytes)).toBe(true);
  });

  test('brings a batch that is larger than a message may be', async () => {
    const parts = Array.from({ length: 40 }, (_, i) => pattern(3, i * 10_000, 10_000));
    client.send(parts);
    await until(() => atServer.length === 400_000);
    expect(atServer.bytes.equals(pattern(3, 0, 400_000))).toBe(true);
  });
});

describe('what arrives', () => {
  test('as a text message is told as such', async () => {
    pair.client.send('text');
    await until(() => atServer.texts === 1);
    expect(atServer.length).toBe(0);
  });

  test('in fragments is told as bytes', async () => {
    pair.client.send(Buffer.from('frag'), { fin: false });
    pair.client.send(Buffer.from('ments'), { fin: true });
    await until(() => atServer.length === 9);
    expect(atServer.bytes.toString()).toBe('fragments');
  });

  test('goes to the receiver that is set at that time', async () => {
    client.send([Buffer.from('first')]);
    await until(() => atServer.length === 5);
    const other = new TransportLog();
    server.receiver = other;
    client.send([Buffer.from('second')]);
    await until(() => other.length === 6);
    expect(atServer.length).toBe(5);
  });
});

test('giveWay brings no more than one read in a turn, and everything in the end', async () => {
  const turns = [0];
  const count = (): void => {
    turns.push(0);
    ticking = setImmediate(count);
  };
  let ticking = setImmediate(count);
  const { onBytes } = atServer;
  atServer.onBytes = function (chunk) {
    onBytes.call(this, chunk);
    turns[turns.length - 1] = (turns.at(-1) ?? 0) + chunk.length;
    server.giveWay();
  };
  const sent = pattern(1, 0, 8_000_000);
  for (let at = 0; at < sent.length; at += 60_000) client.send([sent.subarray(at, at + 60_000)]);
  await until(() => atServer.length === sent.length);
  clearImmediate(ticking);
  expect(atServer.bytes.equals(sent)).toBe(true);
  expect(Math.max(...turns)).toBeLessThanOrEqual(memory.scratch.length);
});

describe('close', () => {
  test('sends what was accepted, then the code and the reason', async () => {
    client.send([pattern(1, 0, 200_000)]);
    client.close(4003, 'frame type 9');
    await until(() => atServer.closed.length > 0);
    expect(atServer.closed).toEqual([{ code: 4003, reason: 'frame type 9' }]);
    expect(atServer.bytes.equals(pattern(1, 0, 200_000))).toBe(true);
    await until(() => atClient.closed.length > 0);
    expect(atClient.closed).toEqual([{ code: 4003, reason: 'frame type 9' }]);
  });

  test.each([
    ['ASCII', 'x'.repeat(500)],
    ['two bytes a letter', 'é'.repeat(200)],
    ['four bytes a letter', '😀'.repeat(100)],
    ['a letter across the limit', `${'x'.repeat(122)}é`],
  ])('cuts a reason that is too long: %s', async (_name, reason) => {
    server.close(4003, reason);
    await until(() => atClient.closed.length > 0);
    const told = atClient.closed[0]?.reason ?? '';
    expect(reason.startsWith(told)).toBe(true);
    expect(Buffer.byteLength(told)).toBeLessThanOrEqual(123);
    expect(Buffer.byteLength(told)).toBeGreaterThan(119);
  });

  test('twice is told once', async () => {
    client.close(4003, 'first');
    client.close(1000, 'second');
    client.terminate();
    await until(() => atClient.closed.length > 0 && atServer.closed.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect([atClient.closed.length, atServer.closed.length]).toEqual([1, 1]);
  });

  test('without a close frame is 1006', async () => {
    client.terminate();
    await until(() => atServer.closed.length > 0);
    expect(atServer.closed[0]?.code).toBe(1006);
  });

  test('after an error names the error', async () => {
    // A reserved opcode.
    pair.clientSocket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
    await until(() => atServer.closed.length > 0);
    expect(atServer.closed[0]?.code).toBe(1006);
    expect(atServer.closed[0]?.reason).toContain('invalid opcode');
    await until(() => atClient.closed.length > 0);
    expect(atClient.closed[0]?.code).toBe(1002);
  });

  test('by a reset of the connection beneath is 1006', async () => {
    pair.serverSocket.resetAndDestroy();
    await until(() => atClient.closed.length > 0 && atServer.closed.length > 0);
    expect([atClient.closed[0]?.code, atServer.closed[0]?.code]).toEqual([1006, 1006]);
  });

  test('tells nobody who was replaced', async () => {
    server.receiver = new TransportLog();
    client.terminate();
    await once(pair.server, 'close');
    expect(atServer.closed).toEqual([]);
  });
});

test('terminate delivers nothing more to a receiver that was replaced', async () => {
  for (let n = 0; n < 50; n++) client.send([pattern(1, n * 1_000, 1_000)]);
  await until(() => atServer.length > 0);
  const before = atServer.length;
  const late = new TransportLog();
  server.receiver = late;
  server.terminate();
  await until(() => late.closed.length > 0);
  expect(atServer.length).toBe(before);
});

test('carries everything where `ws` cannot be read past', async () => {
  await pair.close();
  pair = await webSocketPair();
  for (const socket of [pair.clientSocket, pair.serverSocket]) socket.on('data', () => {});
  client = new WebSocketTransport(pair.client, pair.clientSocket, { role: 'client', masks: false }, memory);
  server = new WebSocketTransport(pair.server, pair.serverSocket, { role: 'server' }, memory);
  client.receiver = atClient = new TransportLog();
  server.receiver = atServer = new TransportLog();
  const bytes = pattern(4, 0, 300_000);
  for (const end of [client, server]) end.send([bytes.subarray(0, 200_000), bytes.subarray(200_000)]);
  await until(() => atServer.length === 300_000 && atClient.length === 300_000);
  expect(atServer.bytes.equals(bytes) && atClient.bytes.equals(bytes)).toBe(true);
  client.close(4003, 'over');
  await until(() => atServer.closed.length > 0);
  expect(atServer.closed).toEqual([{ code: 4003, reason: 'over' }]);
});

test('on a stream, what waits in its connection counts too, and is listened to no longer than the stream lives', async () => {
  let onRead = (): void => {};
  const below = new Writable({
    highWaterMark: 1,
    write(_bytes, _encoding, done) {
      onRead = done;
    },
  });
  const other = await webSocketPair();
  const transport = new WebSocketTransport(other.server, other.serverSocket, { role: 'server' }, memory, below);
  const told = new TransportLog();
  transport.receiver = told;
  below.write('waits');
  expect([transport.backlog, told.drains]).toEqual([5, 0]);
  onRead();
  await until(() => told.drains === 1);
  expect(transport.backlog).toBe(0);
  await other.close();
  await until(() => below.listenerCount('drain') === 0);
});
