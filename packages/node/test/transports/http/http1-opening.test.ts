import { request } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Http1Opening } from '../../../src/transports/http/http1-opening.js';
import type { Outcome } from '../../../src/transports/http/requests.js';
import { NotHttpError } from '../../../src/transports/open-transport.js';
import { chop, type Message, messages } from '../../http-message/chopped.js';
import { Line, turn } from './line.js';

/** What has come of a request. */
class Result {
  status = 0;
  headers: Record<string, unknown> = {};
  body = '';
  end: 'none' | 'whole' | 'cut' | 'failed' = 'none';
  error: Error | undefined;

  get told(): object {
    const { status, headers, body, end } = this;
    return { status, headers: { ...headers }, body, end };
  }

  readonly outcome: Outcome = {
    onFailed: (error) => {
      this.end = 'failed';
      this.error = error;
    },
    onAnswer: ({ status, headers, body, isWhole }) => {
      this.status = status;
      this.headers = headers;
      body.on('data', (piece) => {
        this.body += piece.toString('latin1');
      });
      body.once('end', () => {
        if (isWhole(this.body.length)) this.end = 'whole';
      });
      body.once('error', () => {});
      body.once('close', () => {
        if (this.end === 'none') this.end = 'cut';
      });
    },
  };
}

const HEADERS = { host: 'proxy.example.org', authorization: 'Bearer secret', 'content-length': 0 };

function openBy(line: Line): Result {
  const result = new Result();
  new Http1Opening(line.socket, newMemory(), '/tunnel', HEADERS, result.outcome);
  return result;
}

/** The same by Node's HTTP client, with which answers were read before. */
function openByNode(line: Line): Result {
  const result = new Result();
  const made = request({ method: 'POST', path: '/tunnel', headers: HEADERS, createConnection: () => line });
  made.on('error', result.outcome.onFailed);
  made.once('response', (body) => {
    const { statusCode: status = 0, headers } = body;
    result.outcome.onAnswer({ status, headers, body, isWhole: () => body.complete });
  });
  made.end();
  return result;
}

/** The reads come, and then the end: `cut` is that of a connection that breaks. */
async function answer(line: Line, reads: readonly Buffer[], isCut: boolean): Promise<void> {
  await turn();
  for (const read of reads) {
    if (!line.destroyed) line.push(read);
    await turn();
  }
  if (isCut) line.destroy();
  else if (!line.destroyed) line.push(null);
  await turn();
  await turn();
}

async function outcomeOf(
  text: string,
  {
    sizes = [],
    isCut = false,
    open = openBy,
  }: Partial<Pick<Message, 'sizes'>> & { isCut?: boolean; open?: typeof openBy } = {},
): Promise<Result> {
  const line = new Line();
  const result = open(line);
  await answer(line, chop({ bytes: Buffer.from(text, 'latin1'), sizes }), isCut);
  return result;
}

const OK = 'HTTP/1.1 200 OK\r\n';

test('the request has the headers as they are given; of two in different case the last one counts', () => {
  const line = new Line();
  const headers = { host: 'a', 'user-agent': 'ours', 'User-Agent': 'theirs', 'content-length': 0 };
  new Http1Opening(line.socket, newMemory(), '/t?x=1', headers, new Result().outcome);
  expect(line.written).toBe('POST /t?x=1 HTTP/1.1\r\nhost: a\r\nUser-Agent: theirs\r\ncontent-length: 0\r\n\r\n');
});

test.each(['a\r\nb', 'a\nb', 'a\0b'])('a header with %j is not sent', (value) => {
  const line = new Line();
  const open = (): unknown => new Http1Opening(line.socket, newMemory(), '/t', { cookie: value }, new Result().outcome);
  expect(open).toThrow('Invalid character');
  expect(line.written).toBe('');
});

describe('an answer', () => {
  test.each([
    ['with a length', `${OK}Content-Length: 4\r\n\r\nbody`],
    ['in chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n`],
    ['in chunks with extensions', `${OK}Transfer-Encoding: chunked\r\n\r\n4;a=b;c\r\nbody\r\n0;last\r\n\r\n`],
    ['in chunks with trailers', `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n`],
    ['up to the end of the connection', `${OK}\r\nbody`],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nbody'],
    ['of HTTP/1.0 with a length', 'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody'],
    [
      'behind interim ones',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}Content-Length: 4\r\n\r\nbody`,
    ],
  ])('%s is taken', async (_, text) => {
    expect(await outcomeOf(text)).toMatchObject({ status: 200, body: 'body', end: 'whole' });
    expect(await outcomeOf(text, { sizes: Array.from(text, () => 1) })).toMatchObject({ body: 'body', end: 'whole' });
  });

  test.each([401, 407, 409, 429, 503])('of status %d is told with its headers', async (status) => {
    const result = await outcomeOf(
      `HTTP/1.1 ${status} No\r\nSet-Cookie: a=1\r\nRetry-After: 7\r\nset-cookie: b=2\r\nRetry-After: 9\r\nX: 1\r\nx: 2\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(result).toMatchObject({ status, end: 'whole' });
    expect(result.headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'retry-after': '7', x: '1, 2' });
  });

  test.each([
    ['its length has not come', `${OK}Content-Length: 9\r\n\r\nbody`],
    ['its last chunk is missing', `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n`],
    ['its trailers have no end', `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n`],
    ['a chunk is longer than its size', `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nbodyX\r\n0\r\n\r\n`],
    ['the size of a chunk is not a number', `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n-1\r\n\r\n`],
    ['the size of a chunk is too large', `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n${'f'.repeat(17)}\r\n`],
    ['the size of a chunk has no end', `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n1;${'x'.repeat(20_000)}`],
  ])('is cut when %s', async (_, text) => {
    expect(await outcomeOf(text)).toMatchObject({ status: 200, body: expect.stringMatching(/^body/), end: 'cut' });
  });

  test('up to the end of the connection is cut when that breaks', async () => {
    expect(await outcomeOf(`${OK}\r\nbody`, { isCut: true })).toMatchObject({ body: 'body', end: 'cut' });
  });

  test('does not bring what comes behind its end', async () => {
    const text = `${OK}Content-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n\r\nmore`;
    expect(await outcomeOf(text)).toMatchObject({ body: 'body', end: 'whole' });
  });

  test.each(['SSH-2.0-OpenSSH_9.2\r\n', '<html>', '\x15\x03\x01\x00\x02\x02\x46', 'HTTP/1.1 OK\r\n\r\n'])(
    'that begins with %j is not HTTP',
    async (text) => {
      const { end, error } = await outcomeOf(text);
      expect(end).toBe('failed');
      expect(error).toBeInstanceOf(NotHttpError);
    },
  );

  test.each([1, 20_000])('of interim ones without end has failed (%d bytes each)', async (length) => {
    const interim = `HTTP/1.1 103 Hints\r\nLink: ${'x'.repeat(length)}\r\n\r\n`;
    const { end, error } = await outcomeOf(interim.repeat(Math.ceil(40_000 / interim.length)));
    expect(end).toBe('failed');
    expect(error?.message).toBe('the answer never comes: nothing but interim responses (1xx)');
  });

  test('that never comes is told as the end of the connection', async () => {
    expect(await outcomeOf('')).toMatchObject({ end: 'failed', error: { code: 'ECONNRESET' } });
    expect(await outcomeOf('HTTP/1.1 200 OK\r\nX', { isCut: true })).toMatchObject({ error: { code: 'ECONNRESET' } });
  });

  test('has failed when the connection is over before', async () => {
    const line = new Line().destroy();
    await turn();
    const result = openBy(line);
    await turn();
    expect(result).toMatchObject({ end: 'failed', error: { code: 'ECONNRESET' } });
  });

  test('brings nothing while it is paused', async () => {
    const line = new Line();
    let pieces = '';
    new Http1Opening(line.socket, newMemory(), '/t', HEADERS, {
      onFailed: ({ message }) => expect.fail(message),
      onAnswer: ({ body }) => {
        body.on('data', (piece) => {
          pieces += piece.toString();
          body.pause();
          setTimeout(() => body.resume(), 0);
        });
      },
    });
    await turn();
    line.push(`${OK}\r\n1`);
    line.push('2');
    line.push('3');
    expect(pieces).toBe('1');
    await expect.poll(() => pieces).toBe('123');
    line.destroy();
  });
});

/** What proxies send, and how it is delimited. */
const answers = fc
  .record({
    interim: fc.array(
      fc.constantFrom('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
      {
        maxLength: 2,
      },
    ),
    version: fc.constantFrom('1.1', '1.1', '1.0'),
    status: fc.constantFrom(200, 200, 200, 204, 304, 400, 407, 409, 502),
    fields: fc.array(
      fc.constantFrom(
        'Content-Type: text/event-stream',
        'Via: 1.1 proxy',
        'Set-Cookie: a=b',
        'Connection: close',
        'X:',
        'X:  a  ',
      ),
      { maxLength: 4 },
    ),
    framing: fc.constantFrom('length', 'chunked', 'close'),
    chunks: fc.array(
      fc.record({
        content: fc.string({ minLength: 1, maxLength: 30 }).map((text) => text.replace(/[^\x20-\x7e]/g, '?')),
        extension: fc.constantFrom('', '', ';a=b', ';name="x"'),
        isUpper: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    trailers: fc.constantFrom('', '', 'X-Sum: 1\r\n'),
    behind: fc.constantFrom('', '', '', 'HTTP/1.1 200 OK\r\n\r\n', '\r\n'),
  })
  .map(({ interim, version, status, fields, framing, chunks, trailers, behind }) => {
    const content = chunks.map((chunk) => chunk.content).join('');
    const coded = chunks.map(({ content: { length }, content: text, extension, isUpper }) => {
      const size = length.toString(16);
      return `${isUpper ? size.toUpperCase() : size}${extension}\r\n${text}\r\n`;
    });
    const how = { length: [`Content-Length: ${content.length}`], chunked: ['Transfer-Encoding: chunked'], close: [] }[
      framing
    ];
    const head = [`HTTP/${version} ${status} Some words`, ...fields, ...how].map((line) => `${line}\r\n`).join('');
    const body = framing === 'chunked' ? `${coded.join('')}0\r\n${trailers}\r\n` : content;
    return { text: `${interim.join('')}${head}\r\n${body}`, behind: framing === 'close' ? '' : behind };
  });

test('every answer is read as Node reads it, in any slices, and cut at any place', async () => {
  await fc.assert(
    fc.asyncProperty(
      answers,
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }),
      fc.option(fc.nat(400), { nil: undefined }),
      fc.boolean(),
      async ({ text, behind }, sizes, length, isCut) => {
        const part = length === undefined ? `${text}${behind}` : text.slice(0, length);
        const [ours, nodes] = await Promise.all([
          outcomeOf(part, { sizes, isCut }),
          outcomeOf(part, { sizes, isCut, open: openByNode }),
        ]);
        expect(ours.told).toEqual(nodes.told);
      },
    ),
    { numRuns: 300 },
  );
});

const NOISE = messages([
  ...[
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.0 ',
    'Content-Length: 3\r\n',
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
  ],
  ...[
    'HTTP/1.1 100 Continue\r\n\r\n',
    '\r\n',
    '\r\n\r\n',
    '3\r\nabc\r\n',
    '0\r\n\r\n',
    'ffffffff\r\n',
    ' folded\r\n',
    '\n',
    ':',
  ],
]);

test('there is one outcome of any bytes, and nothing comes behind it', async () => {
  await fc.assert(
    fc.asyncProperty(NOISE, async (message) => {
      const line = new Line();
      const told: string[] = [];
      new Http1Opening(line.socket, newMemory(), '/t', HEADERS, {
        onFailed: () => told.push('failed'),
        onAnswer: ({ body }) => {
          told.push('answer');
          for (const event of ['end', 'close'] as const) body.once(event, () => told.push(event));
          body.on('data', () => {
            if (told.length > 1) told.push('late');
          });
        },
      });
      await answer(line, chop(message), false);
      expect(['failed', 'answer,close', 'answer,end,close']).toContain(told.join());
      expect(line.destroyed).toBe(true);
    }),
    { numRuns: 500 },
  );
});
