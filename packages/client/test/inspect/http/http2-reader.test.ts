import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EventLog } from 'wsproxy-test-support/inspect/event-log';
import { Http2Reader, PREFACE } from '../../../src/inspect/http/http2-reader.js';
import type { Direction } from '../../../src/inspect/http/reader.js';
import { streamPair } from '../stream-pair.js';

/** What has passed between a client and a server of Node, in its order. */
async function record(
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  use: (session: ClientHttp2Session) => Promise<void>,
): Promise<[Direction, Buffer][]> {
  const passed: [Direction, Buffer][] = [];
  const server = createServer({
    settings: { enableConnectProtocol: true },
    paddingStrategy: constants.PADDING_STRATEGY_MAX,
  }).on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const socket = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('data', (bytes) => {
    passed.push(['down', bytes]);
    if (!tap.push(bytes)) socket.pause();
  });
  const tap: Duplex = new Duplex({
    read: () => void socket.resume(),
    write(bytes: Buffer, _encoding, done) {
      passed.push(['up', Buffer.from(bytes)]);
      socket.write(bytes, done);
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  const session = connect('http://example.org', {
    createConnection: () => tap,
    paddingStrategy: constants.PADDING_STRATEGY_MAX,
  });
  await use(session);
  const closed = once(session, 'close');
  session.destroy();
  await closed;
  return passed;
}

function read(passed: readonly (readonly [Direction, Buffer])[], size = Number.POSITIVE_INFINITY): string[][] {
  const log = new EventLog();
  const reader = new Http2Reader(log.teller);
  for (const [direction, bytes] of passed) {
    for (let at = 0; at < bytes.length; at += size) reader.read(direction, bytes.subarray(at, at + size));
  }
  reader.close();
  return log.lines;
}

async function bodyOf(stream: NodeJS.ReadableStream): Promise<string> {
  let body = '';
  for await (const chunk of stream) body += String(chunk);
  return body;
}

const plain = (told: readonly string[][]): string[][] =>
  told.map((events) =>
    events.map((event) =>
      event
        .replace(/ ?\|?date\|[^|]+/, '')
        .replace(/v{20000}/, 'v...')
        .trimEnd(),
    ),
  );

/** Fields as they are told. */
function wordsOf(headers: IncomingHttpHeaders): string {
  return Object.entries(headers)
    .filter(([name]) => !name.startsWith(':'))
    .flat()
    .join('|');
}

describe('HTTP/2 as it passes', () => {
  test('tells requests with bodies, padding, information and trailers, however it is sliced', async () => {
    const passed = await record(
      (stream) => {
        stream.additionalHeaders({ ':status': 103, link: 'a' });
        stream.respond({ ':status': 200, 'x-long': 'v'.repeat(20_000) }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ sum: '1' }));
        stream.pipe(stream);
      },
      async (session) => {
        const request = session.request({ ':method': 'POST', ':path': '/a?b', foo: 'bar' }, {
          paddingStrategy: 1,
        } as object);
        request.write('one ');
        request.end('two');
        expect(await bodyOf(request)).toBe('one two');
        const next = session.request({ ':path': '/next', foo: 'bar' });
        expect(await bodyOf(next)).toBe('');
      },
    );
    const expected = [
      [
        '2 POST http://example.org/a?b foo|bar',
        '> one two',
        'sent',
        '103 link|a',
        '2 200  x-long|v...',
        '< one two',
        'got sum|1',
        'over',
      ].sort(),
      ['2 GET http://example.org/next foo|bar', 'sent', '103 link|a', '2 200  x-long|v...', 'got sum|1', 'over'].sort(),
    ];
    for (const size of [Number.POSITIVE_INFINITY, 1_000, 7, 1]) {
      expect(plain(read(passed, size)).map((events) => events.sort())).toEqual(expected);
    }
  });

  test('tells of many requests at once which answer is whose', async () => {
    const passed = await record(
      (stream, headers) => {
        stream.respond({ ':status': 200 });
        stream.end(`answer to ${headers[':path']}`);
      },
      async (session) => {
        await Promise.all(
          Array.from({ length: 50 }, async (_, n) => {
            expect(await bodyOf(session.request({ ':path': `/${n}`, n: String(n) }))).toBe(`answer to /${n}`);
          }),
        );
      },
    );
    const told = plain(read(passed));
    expect(told).toHaveLength(50);
    for (const [n, events] of told.entries()) {
      expect(events).toEqual([
        `2 GET http://example.org/${n} n|${n}`,
        'sent',
        '2 200',
        `< answer to /${n}`,
        'got',
        'over',
      ]);
    }
  });

  test('tells the bytes of a WebSocket', async () => {
    const passed = await record(
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.pipe(stream);
      },
      async (session) => {
        await once(session, 'remoteSettings');
        const request = session.request({
          ':method': 'CONNECT',
          ':protocol': 'websocket',
          ':scheme': 'http',
          ':path': '/ws',
        });
        await once(request, 'response');
        request.end('\x81\x00');
        expect(await bodyOf(request)).toBe('\x81\x00');
      },
    );
    expect(plain(read(passed))).toEqual([
      [
        '2 CONNECT http://example.org/ws :protocol|websocket',
        '2 200',
        'up Â\x81\x00',
        'sent',
        'down Â\x81\x00',
        'got',
        'over',
      ],
    ]);
  });

  test('tells that an exchange was reset', async () => {
    const passed = await record(
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('part');
        stream.close(2);
      },
      async (session) => {
        const request = session.request({ ':path': '/' });
        await new Promise((resolve) =>
          request
            .on('error', () => {})
            .on('close', resolve)
            .resume(),
        );
      },
    );
    expect(read(passed)[0]?.at(-1)).toBe('over it was reset (INTERNAL_ERROR)');
  });

  test.each([
    ['no preface', ['up', Buffer.from('GET / HTTP/1.1\r\n')], /does not begin as HTTP\/2 does/],
    ['headers that go on without a begin', ['down', Buffer.from('000000090400000001', 'hex')], /have not begun/],
    ['more padding than there is', ['down', Buffer.from('00000101080000000109', 'hex')], /shorter than it says/],
    ['headers of 16 MiB', ['down', Buffer.from('ffffff010400000001', 'hex')], /larger than it may be/],
  ] as const)('cannot be read with %s', (_what, part, problem) => {
    expect(() => read([part])).toThrow(problem);
  });

  test('tells the end of a request once, also when more follows it', () => {
    const headers = (flags: string) =>
      Buffer.from(`0000030100000000018286 84`.replace('0100', `01${flags}`).replace(' ', ''), 'hex');
    expect(read([['up', Buffer.concat([Buffer.from(PREFACE), headers('05'), headers('05'), headers('05')])]])).toEqual([
      ['2 GET http://example.org/', 'sent', 'over the connection has ended before the answer'],
    ]);
  });

  test('takes trailers that come after the answer for no other request', () => {
    const [request, answer, trailers] = [
      '00000301040000000182' + '8684',
      '000001010500000001' + '88',
      '000000010500000001',
    ];
    const up = (text: string): [Direction, Buffer] => ['up', Buffer.from(text, 'hex')];
    const parts: [Direction, Buffer][] = [up(request), ['down', Buffer.from(answer, 'hex')], up(trailers)];
    expect(read([['up', Buffer.from(PREFACE)], ...parts])).toEqual([
      ['2 GET http://example.org/', '2 200', 'got', 'over'],
    ]);
  });

  test('asks where `host` says, without an authority', () => {
    const host = Buffer.concat([Buffer.from('0f1705', 'hex'), Buffer.from('a.org')]);
    const request = Buffer.concat([Buffer.from('00000b010500000001828684', 'hex'), host]);
    expect(read([['up', Buffer.concat([Buffer.from(PREFACE), request])]])[0]?.[0]).toBe(
      '2 GET http://a.org/ host|a.org',
    );
  });

  test('cannot be read when an answer has no status', () => {
    const parts = [Buffer.from('000003010500000001828684', 'hex'), Buffer.from('000000010500000001', 'hex')] as const;
    expect(() =>
      read([
        ['up', Buffer.from(PREFACE)],
        ['up', parts[0]],
        ['down', parts[1]],
      ]),
    ).toThrow(/have no status/);
  });

  test('cannot be read when a request is promised twice', () => {
    const promise = Buffer.from('00000705040000000100000002828684', 'hex');
    expect(() => read([['down', Buffer.concat([promise, promise])]])).toThrow(/promised twice/);
  });

  test('bounds headers that go on for ever', () => {
    const begin = Buffer.from('000000010000000001', 'hex');
    const more = Buffer.from('000000090000000001', 'hex');
    expect(() => read([['down', Buffer.concat([begin, ...Array<Buffer>(2_000).fill(more)])]])).toThrow(
      /larger than 256 KiB/,
    );
  });

  test('has the headers that Node has of it, with tables of any size', async () => {
    const [name, value] = [
      fc.constantFrom('x-a', 'x-b', 'cookie', 'authorization', 'etag', 'accept', 'x-long-name-of-a-header'),
      fc.string({ unit: 'grapheme-ascii', maxLength: 60 }).map((text) => text.trim()),
    ];
    const requests = fc.array(fc.dictionary(name, value, { maxKeys: 5 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(requests, fc.constantFrom(0, 100, 4_096, 65_536), async (sent, headerTableSize) => {
        const had: string[] = [];
        const [near, far] = streamPair();
        const passed: [Direction, Buffer][] = [];
        near.on('data', (bytes: Buffer) => passed.push(['down', bytes]));
        far.on('data', (bytes: Buffer) => passed.push(['up', bytes]));
        const server = createServer({ settings: { headerTableSize } });
        server.on('stream', (stream, headers) => {
          had.push(wordsOf(headers));
          stream.respond(
            { ...sent[had.length % sent.length], ':status': 200 },
            { endStream: true, ...{ sendDate: false } },
          );
        });
        server.emit('connection', far);
        const session = connect('http://example.org', { createConnection: () => near, settings: { headerTableSize } });
        await once(session, 'remoteSettings');
        const answers: string[] = [];
        for (const headers of sent) {
          const request = session.request({ ...headers, ':path': '/' }).resume();
          const [[answer]] = (await Promise.all([once(request, 'response'), once(request, 'close')])) as [
            [IncomingHttpHeaders],
            unknown,
          ];
          answers.push(wordsOf(answer));
        }
        session.destroy();
        const told = read(passed);
        expect(told.map(([request = '']) => request.replace(/^2 GET \S+ */, ''))).toEqual(had);
        expect(told.map(([, , answer = '']) => answer.replace(/^2 200 */, ''))).toEqual(answers);
      }),
      { numRuns: 20 },
    );
  });

  test('of any bytes is told, or told to be none', () => {
    const frame = fc
      .tuple(
        fc.constantFrom(0, 1, 3, 4, 5, 7, 9),
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 5 }),
        fc.uint8Array({ maxLength: 20 }),
      )
      .map(([type, flags, stream, payload]) =>
        Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]),
      );
    const part = fc.tuple(fc.constantFrom<Direction>('up', 'down'), frame);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const log = new EventLog();
        const reader = new Http2Reader(log.teller);
        reader.read('up', Buffer.from(PREFACE));
        try {
          for (const [direction, bytes] of parts) reader.read(direction, bytes);
          reader.close();
        } catch (error) {
          expect((error as Error).message).toMatch(/header|Huffman|frame/);
          reader.close('it cannot be read');
        }
        for (const events of log.lines) expect(events.filter((event) => event.startsWith('over'))).toHaveLength(1);
      }),
    );
  });
});
