import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { RestOfBody } from '../../../src/transports/http/rest-of-body.js';
import { chop } from '../../http-message/chopped.js';
import { Line, turn } from './line.js';

const CHUNKED = 'Transfer-Encoding: chunked';

/** A request whose body has begun with the chunk `first`, of which `behind` has come with it. */
class Begun {
  readonly line = new Line();
  request!: IncomingMessage;
  response!: ServerResponse;
  requests = 0;
  body = '';
  isWhole = false;
  isClosed = false;
  rest: RestOfBody | undefined;

  static async at(begin: string, field = CHUNKED): Promise<Begun> {
    const begun = new Begun();
    const server = createServer((request, response) => {
      begun.requests += 1;
      begun.request = request;
      begun.response = response;
      response.shouldKeepAlive = false;
      request.on('data', (chunk: Buffer) => begun.#onData(chunk));
      request.on('error', () => {});
      request.once('close', () => {
        begun.isClosed = true;
      });
    });
    server.on('clientError', (_, socket) => socket.destroy());
    server.emit('connection', begun.line);
    begun.line.push(`POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n${begin}`);
    await turn();
    return begun;
  }

  take(): void {
    this.rest = RestOfBody.take(this.request, newMemory(), {
      onData: (piece) => this.#onData(piece),
      onWhole: () => {
        expect(this.isWhole).toBe(false);
        this.isWhole = true;
      },
    });
  }

  async push(...reads: readonly (string | Buffer)[]): Promise<void> {
    for (const read of reads) {
      if (!this.line.destroyed) this.line.push(read);
      await turn();
    }
  }

  #onData(chunk: Buffer): void {
    this.body += chunk.toString('latin1');
  }
}

/** So far the line end behind the first chunk has come with it. */
const BEGINS = ['5\r\nfirst\r\n', '5\r\nfirst\r', '5\r\nfirst'] as const;

describe.each(BEGINS)('behind %j', (begin) => {
  const lineEnd = '5\r\nfirst\r\n'.slice(begin.length);

  test('the rest is brought, and nothing behind it', async () => {
    const begun = await Begun.at(begin);
    begun.take();
    await begun.push(
      `${lineEnd}2;x=y\r\n a\r\n`,
      'A\r\n0123456789\r\n0\r\nX: 1\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    expect(begun).toMatchObject({ body: 'first a0123456789', isWhole: true, requests: 1 });
    begun.response.end('taken');
    await turn();
    expect(begun.line.written).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*taken/);
    expect(begun.line.written.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('in any chunks and any slices it is what it is', async () => {
    const content = fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .map((bytes) => Buffer.from(bytes).toString('latin1'));
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.array(content, { maxLength: 8 }), sizes, async (contents, reads) => {
        const begun = await Begun.at(begin);
        begun.take();
        const chunks = contents.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('');
        await begun.push(...chop({ bytes: Buffer.from(`${lineEnd}${chunks}0\r\n\r\n`, 'latin1'), sizes: reads }));
        expect(begun).toMatchObject({ body: `first${contents.join('')}`, isWhole: true, requests: 1 });
        begun.line.destroy();
      }),
      { numRuns: 100 },
    );
  });

  test('a cut is a cut: its request is told', async () => {
    const begun = await Begun.at(begin);
    begun.take();
    await begun.push(`${lineEnd}9\r\n1234`);
    begun.line.destroy();
    await turn();
    expect(begun).toMatchObject({ body: 'first1234', isWhole: false, isClosed: true });
  });

  test('so is an end of the connection before the last chunk', async () => {
    const begun = await Begun.at(begin);
    begun.take();
    await begun.push(`${lineEnd}4\r\n1234\r\n`);
    begun.line.push(null);
    await turn();
    await turn();
    expect(begun).toMatchObject({ body: 'first1234', isWhole: false, isClosed: true });
  });

  test.each([
    'x\r\n',
    '-1\r\n',
    '4\r\nabcdX\r\n',
    `${'f'.repeat(17)}\r\n`,
    `1;${'x'.repeat(20_000)}`,
    '0x4\r\nabcd\r\n',
    '4\nabcd\n',
  ])('what is no chunk ends the connection: %j', async (bytes) => {
    const begun = await Begun.at(begin);
    begun.take();
    await begun.push(`${lineEnd}${bytes}`, '0\r\n\r\n');
    await turn();
    expect(begun).toMatchObject({ isWhole: false, isClosed: true });
  });
});

test('bytes are taken for no chunks where the chunk goes on that was said to be over', async () => {
  const begun = await Begun.at('40\r\nfirst');
  begun.take();
  await begun.push('POST / HTTP/1.1\r\nHost: a\r\n\r\n');
  await turn();
  expect(begun).toMatchObject({ body: 'first', isWhole: false, isClosed: true, requests: 1 });
});

test.each([
  ['a body with a length', '12345', 'Content-Length: 9'],
  ['a body that is whole', '5\r\nfirst\r\n0\r\n\r\n', CHUNKED],
] as const)('%s is left to Node', async (_, begin, field) => {
  const begun = await Begun.at(begin, field);
  begun.take();
  expect(begun.rest).toBeUndefined();
  await begun.push('6789');
  expect(begun.body).toBe(field === CHUNKED ? 'first' : '123456789');
  begun.line.destroy();
});

test('nothing is brought while it is paused', async () => {
  const begun = await Begun.at('5\r\nfirst\r\n');
  begun.take();
  begun.rest?.pause();
  await begun.push('4\r\n1234\r\n');
  expect(begun.body).toBe('first');
  begun.rest?.resume();
  await turn();
  expect(begun.body).toBe('first1234');
  begun.line.destroy();
});
