import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ResponseWay } from '../../../src/accept/http/response-way.js';
import { MessageError } from '../../../src/http-message/message-error.js';
import type { RequestHead } from '../../../src/http-message/request-head.js';
import { message, URI, useForwarding } from '../forward-fixture.js';

const forwarding = useForwarding();
const PIECE = randomBytes(65_536);
const MIB = 1 << 20;

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function inChunks(content: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let start = 0; start < content.length; start += size) {
    const piece = content.subarray(start, start + size);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

/** A destination that reads HTTP by Node's own parser and sends the content back. */
async function echo(framing: 'length' | 'chunks'): Promise<void> {
  const server = createServer((request, response) => {
    void request.toArray().then((pieces: Buffer[]) => {
      const content = Buffer.concat(pieces);
      if (framing === 'length') response.setHeader('Content-Length', content.length);
      else response.flushHeaders();
      response.end(content);
    });
  });
  await forwarding.dialled((socket) => server.emit('connection', socket));
}

describe('content', () => {
  it.each([0, 1, 65_536, 5 * MIB])('of %i bytes with a length passes both ways, byte for byte', async (size) => {
    await echo('length');
    const content = randomBytes(size);
    const application = await forwarding.port.send(
      message(`POST ${URI} HTTP/1.1`, 'Connection: close', `Content-Length: ${size}`),
    );
    const { bytes, end } = await application.send(content).closed();
    const start = bytes.indexOf('\r\n\r\n') + 4;
    expect(bytes.toString('latin1', 0, start)).toMatch(
      new RegExp(`^HTTP/1\\.1 200 OK\r\n[^]*Content-Length: ${size}\r\n`),
    );
    expect(sha256(bytes.subarray(start))).toBe(sha256(content));
    expect(end).toBe('closed');
  });

  it.each([1, 1000, MIB])('in chunks of %i bytes passes both ways, byte for byte', async (chunk) => {
    await echo('chunks');
    const content = randomBytes(chunk === 1 ? 3000 : 3 * MIB);
    const head = message(`POST ${URI} HTTP/1.1`, 'Connection: close', 'Transfer-Encoding: chunked');
    const application = await forwarding.port.send(head);
    const { text, bytes } = await application.send(inChunks(content, chunk)).closed();
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nTransfer-Encoding: chunked\r\n/);
    expect(sha256(unchunk(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)))).toBe(sha256(content));
  });

  it('that nobody reads holds back the destination, and arrives whole once somebody does', async () => {
    const total = 64 * MIB;
    const { sockets } = await forwarding.answering((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      pour(socket, total, () => socket.end());
    });
    const application = await forwarding.port.send(message(`GET ${URI} HTTP/1.1`, 'Host: a'));
    await application.until((text) => text.includes('\r\n\r\n'));
    application.socket.pause();
    await expectStall(() => taken(sockets[0]), total);
    application.socket.resume();
    const { bytes, end } = await application.closed();
    expect(end).toBe('closed');
    expect(bytes.length - bytes.indexOf('\r\n\r\n') - 4).toBe(total);
  });

  it('pauses the application while the destination does not read it, and arrives whole once it does', async () => {
    const total = 64 * MIB;
    let missing = total;
    const { sockets } = await forwarding.dialled((socket) => {
      socket.once('data', (first: Buffer) => {
        socket.pause();
        missing -= first.length - (first.indexOf('\r\n\r\n') + 4);
        socket.on('data', (chunk: Buffer) => {
          missing -= chunk.length;
          if (missing === 0) socket.end('HTTP/1.1 204 No Content\r\n\r\n');
        });
      });
    });
    const application = await forwarding.port.send(
      message(`PUT ${URI} HTTP/1.1`, 'Connection: close', `Content-Length: ${total}`),
    );
    pour(application.socket, total, () => {});
    await expectStall(() => taken(application.socket), total);
    sockets[0]?.resume();
    const { text } = await application.closed();
    expect(text).toMatch(/^HTTP\/1\.1 204 /);
    expect(missing).toBe(0);
  });
});

/** Writes `total` bytes, no faster than the socket takes them. */
function pour(socket: Socket, total: number, onDone: () => void): void {
  if (total === 0) return onDone();
  socket.write(PIECE, (error) => {
    if (!error) pour(socket, total - PIECE.length, onDone);
  });
}

/** Bytes that the operating system has taken from a socket. */
function taken(socket: Socket | undefined): number {
  return socket === undefined ? 0 : socket.bytesWritten - socket.writableLength;
}

/** Waits until the count stands still, which must be far below the total. */
async function expectStall(count: () => number, total: number): Promise<void> {
  let last = -1;
  await expect
    .poll(
      () => {
        const stands = count() === last && last > 0;
        last = count();
        return stands;
      },
      { interval: 200, timeout: 5000 },
    )
    .toBe(true);
  expect(last).toBeLessThan(total / 2);
}

describe('many small pieces in one read', () => {
  const request: RequestHead = { method: 'GET', requestTarget: '/', minor: 1, fields: [], framing: { kind: 'none' } };
  const CHUNKED = message('HTTP/1.1 200 A', 'Transfer-Encoding: chunked');

  function responseWay(): { way: ResponseWay; written: string[] } {
    const written: string[] = [];
    const socket = { write: (bytes: Buffer) => void written.push(String(bytes)) } as unknown as Socket;
    return { way: new ResponseWay(socket, request, false), written };
  }

  it('of interim answers are one write', () => {
    const { way, written } = responseWay();
    way.take(Buffer.from(message('HTTP/1.1 103 A').repeat(1_000)));
    expect(written).toEqual([message('HTTP/1.1 103 A').repeat(1_000)]);
  });

  it('of content are one chunk, and one write with the head before it', () => {
    const { way, written } = responseWay();
    way.take(Buffer.from(CHUNKED + '1\r\na\r\n'.repeat(3_000)));
    way.take(Buffer.from('1\r\nb\r\n2\r\nc'));
    way.take(Buffer.from('d\r\n0\r\n\r\n'));
    expect(written).toEqual([
      `${message('HTTP/1.1 200 A', 'Transfer-Encoding: chunked', 'Connection: close')}bb8\r\n${'a'.repeat(3_000)}\r\n`,
      '2\r\nbc\r\n',
      '1\r\nd\r\n0\r\n\r\n',
    ]);
  });

  it('are written though a fault comes behind them', () => {
    const { way, written } = responseWay();
    expect(() => way.take(Buffer.from(`${CHUNKED}1\r\na\r\nx\r\n`))).toThrow(MessageError);
    expect(written.join('')).toMatch(/\r\n\r\n1\r\na\r\n$/);
  });
});

/** Content out of its chunks. */
function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (size === 0) return Buffer.concat(parts);
    if (!(size > 0)) throw new Error(`not a chunk at ${at} of ${bytes.length}`);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
