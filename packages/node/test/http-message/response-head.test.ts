import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { framingFields } from '../../src/http-message/frame-response.js';
import { MessageError } from '../../src/http-message/message-error.js';
import { isInterim, type ResponseHead, ResponseHeadReader } from '../../src/http-message/response-head.js';
import { chop, messages } from './chopped.js';

const STATUS_LINE = 'HTTP/1.1 200 OK';

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** The head of an answer with these lines. */
function read(lines: readonly string[], method = 'GET'): ResponseHead {
  const head = new ResponseHeadReader(method).read(bytes([...lines, '', ''].join('\r\n')));
  return head ?? expect.fail('the head is not complete');
}

/** Fields as lines. */
function linesOf(fields: ResponseHead['fields']): string[] {
  return fields.map(({ name, value }) => `${name}: ${value}`);
}

describe('a status line', () => {
  test.each([
    ['HTTP/1.1 200 OK', 200, 'OK', 1, true],
    ['HTTP/1.0 404 Not Found', 404, 'Not Found', 0, true],
    ['HTTP/1.1 200 ', 200, '', 1, true],
    ['HTTP/1.1 200', 200, '', 1, true],
    ['HTTP/1.1 999 Denied', 999, 'Denied', 1, true],
    ['HTTP/1.1 200 M\xf6glich', 200, 'M\xf6glich', 1, true],
    ['HTTP/1.1 200 OK   ', 200, 'OK', 1, true],
    ['HTTP/1.1  200  OK', 200, 'OK', 1, false],
    ['HTTP/1.1\t200\tOK', 200, 'OK', 1, false],
    ['HTTP/1.1 200OK', 200, 'OK', 1, false],
    ['HTTP/1.1 200 O\x01K', 200, 'O K', 1, false],
    ['http/1.1 200 OK', 200, 'OK', 1, false],
    ['HTTP/1 200 OK', 200, 'OK', 0, false],
    ['HTTP/2 200 OK', 200, 'OK', 0, false],
    ['HTTP/1.2 200 OK', 200, 'OK', 0, false],
    ['ICY 200 OK', 200, 'OK', 0, false],
    ['HTTP/1.1 000 ', 0, '', 1, true],
  ] as const)('%j is read', (line, status, reason, minor, isPlain) => {
    expect(read([line])).toMatchObject({ status, reason, minor, isPlain });
  });

  test.each(['HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 OK', 'HTTP/1.1', 'HTTP/x 200 OK', 'HTTP/ 200'])(
    '%j is none',
    (line) => {
      expect(() => read([line])).toThrow(new MessageError('malformed', 'its status line is not that of HTTP'));
    },
  );

  test.each(['SSH-2.0-OpenSSH', '\x16\x03\x01', '\xef\xbb\xbfHTTP/1.1 200 OK', '<html>', 'hello'])(
    '%j is not waited for: it is another protocol',
    (begin) => {
      expect(() => new ResponseHeadReader('GET').read(bytes(begin))).toThrow(
        new MessageError('malformed', 'it is not HTTP'),
      );
    },
  );

  test.each(['\r\n', '\n\n', ' \t', '\r\n\r\n\r\n'])('may come behind %j', (space) => {
    const reader = new ResponseHeadReader('GET');
    expect(reader.read(bytes(space))).toBeUndefined();
    expect(reader.hasBegun).toBe(false);
    expect(reader.read(bytes('HTTP/1.1 204 No\r\n\r\n'))).toMatchObject({ status: 204 });
  });
});

describe('fields', () => {
  test.each([
    [['X-A: 1', 'x-a:2', 'X-B:\t 3 \t'], ['X-A: 1', 'x-a: 2', 'X-B: 3'], true],
    [['X: \xfc\xff'], ['X: \xfc\xff'], true],
    [['X:'], ['X: '], true],
    // What strict programs would not take is mended.
    [['X-A : 1'], ['X-A: 1'], false],
    [['X-A: a', ' b', '\tc'], ['X-A: a b c'], false],
    [['X-A:', ' b'], ['X-A: b'], false],
    [[' folded', 'X-A: 1'], ['X-A: 1'], false],
    [['X-A: a\x01b\x00c\x7f'], ['X-A: a b c'], false],
    [['X-A: a\rb'], ['X-A: a b'], false],
    [['no colon', ' folded', 'X-A: 1'], ['X-A: 1'], false],
    [[': no name', 'X-A: 1'], ['X-A: 1'], false],
    [['X\x00A: 1', 'X-B: 2'], ['X-B: 2'], false],
    // What tolerant programs see stays as it is.
    [['X A: 1', 'X[A]: 2', 'X-\xdc: 3'], ['X A: 1', 'X[A]: 2', 'X-\xdc: 3'], false],
  ])('%j are read', (lines, expected, isPlain) => {
    const head = read([STATUS_LINE, ...lines]);
    expect([linesOf(head.fields), head.isPlain]).toEqual([expected, isPlain]);
  });

  test.each(['\n', '\r\r\n'])('with line ends %j are read', (lineEnd) => {
    const reader = new ResponseHeadReader('GET');
    const head = reader.read(bytes([STATUS_LINE, 'X-A: 1', 'X-B: 2', '', 'hello'].join(lineEnd)));
    expect(linesOf(head?.fields ?? [])).toEqual(['X-A: 1', 'X-B: 2']);
    expect(head?.isPlain).toBe(false);
    expect(reader.takeRest().toString()).toBe('hello');
  });
});

const NONE = { kind: 'none' };
const CHUNKED = { kind: 'chunked' };
const CLOSE = { kind: 'close' };
const FIVE = { kind: 'length', length: 5 };

describe('the content', () => {
  test.each([
    [['Content-Length: 5'], FIVE, true],
    [['Content-Length: 0'], { kind: 'length', length: 0 }, true],
    [['Transfer-Encoding: chunked'], CHUNKED, true],
    [['Transfer-Encoding: CHUNKED'], CHUNKED, true],
    [[], CLOSE, true],
    // Mended.
    [['Content-Length: 5', 'Content-Length: 5'], FIVE, false],
    [['Content-Length: 5, 5'], FIVE, false],
    [['Content-Length: 005', 'Content-Length: 5'], FIVE, false],
    [['Content-Length : 5'], FIVE, false],
    [['Content-Length:', ' 5'], FIVE, false],
    [['Content-Length: 9', 'Transfer-Encoding: chunked'], CHUNKED, false],
    [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], CHUNKED, false],
    [['Transfer-Encoding: chunked, chunked'], CHUNKED, false],
    [['Transfer-Encoding: identity, chunked'], CHUNKED, false],
    [['Transfer-Encoding: identity', 'Content-Length: 5'], FIVE, false],
    [['Transfer-Encoding: identity'], CLOSE, false],
    [['Transfer-Encoding:', 'Content-Length: 5'], FIVE, false],
    // Left to the application.
    [['Content-Length: 5', 'Content-Length: 6'], CLOSE, false],
    [['Content-Length: 5, 6'], CLOSE, false],
    [['Content-Length: -5'], CLOSE, false],
    [['Content-Length: +5'], CLOSE, false],
    [['Content-Length: 5 5'], CLOSE, false],
    [['Content-Length: 5,'], CLOSE, false],
    [['Content-Length: 0x5'], CLOSE, false],
    [['Content-Length: five'], CLOSE, false],
    [['Content-Length:'], CLOSE, false],
    [['Content-Length: 99999999999999999999'], CLOSE, false],
    [['Transfer-Encoding: gzip, chunked'], CLOSE, false],
    [['Transfer-Encoding: chunked, gzip', 'Content-Length: 5'], CLOSE, false],
    [['Transfer-Encoding: foo'], CLOSE, false],
  ])('with %j is delimited', (lines, framing, isPlain) => {
    const head = read([STATUS_LINE, ...lines]);
    expect([head.framing, head.isPlain]).toEqual([framing, isPlain]);
  });

  test.each([
    [204, ['Content-Length: 5'], false],
    [204, ['Content-Length: 0'], true],
    [204, ['Transfer-Encoding: chunked'], false],
    [204, [], true],
    [304, ['Content-Length: 5'], true],
    [304, ['Transfer-Encoding: chunked'], false],
    [100, [], true],
    [103, ['Content-Length: 5'], true],
    [101, [], true],
  ])('of a %i with %j is none', (status, lines, isPlain) => {
    expect(read([`HTTP/1.1 ${status} X`, ...lines])).toMatchObject({ framing: NONE, isPlain });
  });

  test.each([['Content-Length: 5'], ['Transfer-Encoding: chunked'], ['X: 1']])('of HEAD with %s is none', (line) => {
    expect(read([STATUS_LINE, line], 'HEAD')).toMatchObject({ framing: NONE, isPlain: true });
  });

  it('of a status below 100 is that of any other', () => {
    expect(read(['HTTP/1.1 000 X', 'Content-Length: 5'])).toMatchObject({ framing: FIVE });
  });

  it('in chunks of HTTP/1.0 is read, and nothing relies on it', () => {
    expect(read(['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'])).toMatchObject({ framing: CHUNKED, isPlain: false });
  });
});

describe('framingFields', () => {
  const CL = 'Content-Length: 5';
  const TE = 'Transfer-Encoding: chunked';
  test.each([
    ['GET', STATUS_LINE, [CL], [CL], [CL]],
    ['GET', STATUS_LINE, ['content-length: 5, 5'], ['content-length: 5'], ['content-length: 5']],
    ['GET', STATUS_LINE, [CL, TE, 'Trailer: X'], [TE, 'Trailer: X'], []],
    ['GET', STATUS_LINE, ['Transfer-Encoding: identity'], [], []],
    ['GET', STATUS_LINE, [CL, 'Transfer-Encoding: gzip'], [CL, 'Transfer-Encoding: gzip'], undefined],
    ['GET', STATUS_LINE, [CL, 'Content-Length: 6'], [CL, 'Content-Length: 6'], undefined],
    ['GET', STATUS_LINE, ['Content-Length: abc'], ['Content-Length: abc'], undefined],
    ['HEAD', STATUS_LINE, [CL], [CL], [CL]],
    ['HEAD', STATUS_LINE, [TE, 'Trailer: X'], [], []],
    ['GET', 'HTTP/1.1 304 X', [CL], [CL], [CL]],
    ['GET', 'HTTP/1.1 204 X', [CL], [], []],
    ['GET', 'HTTP/1.1 103 X', [CL], [], []],
  ])('of the answer to %s, %s with %j', (method, statusLine, lines, toNewer, toOlder = toNewer) => {
    const head = read([statusLine, 'X: 1', ...lines], method);
    expect([linesOf(framingFields(head, 1)), linesOf(framingFields(head, 0))]).toEqual([toNewer, toOlder]);
  });
});

describe('interim answers', () => {
  it('are given one by one, and what is behind the final one is kept', () => {
    const reader = new ResponseHeadReader('GET');
    const all = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello';
    const heads = [reader.read(bytes(all)), reader.read(), reader.read()];
    expect(heads.map((head) => head?.status)).toEqual([100, 103, 200]);
    expect(heads.map((head) => head && isInterim(head))).toEqual([true, true, false]);
    expect(reader.takeRest().toString()).toBe('hello');
    expect(reader.takeRest()).toHaveLength(0);
  });

  it('count in the limit', () => {
    const reader = new ResponseHeadReader('GET', 1_000);
    const interim = bytes('HTTP/1.1 102 Processing\r\n\r\n');
    const flood = (): void => {
      for (let count = 0; count < 100; count += 1) reader.read(interim);
    };
    expect(flood).toThrow(new MessageError('too large', 'its head is larger than 1000 bytes'));
  });
});

test.each(['HTTP/1.1 200 OK\r\nX: ', ' \r\n', 'HTTP/1.1 200 OK\r\n\t'])('an endless head of %j is refused', (begin) => {
  const reader = new ResponseHeadReader('GET', 1_000);
  reader.read(bytes(begin));
  expect(() => {
    for (let count = 0; count < 1_000; count += 1) reader.read(bytes(begin.slice(-1)));
  }).toThrow(MessageError);
});

test.each([' ', '\t', '\r', 'X:\n', 'X: a\n b\n', 'X: a\n\t\n', ','])(
  'a large head made of %j takes no time that grows with its square',
  (piece) => {
    const head = bytes(`HTTP/1.1 200 OK\r\nContent-Length: 1${piece.repeat(200_000 / piece.length)}x\r\n\r\n`);
    const reader = new ResponseHeadReader('GET');
    for (const byte of head.subarray(0, -1)) reader.read(Buffer.of(byte));
    expect(reader.read(bytes('\n'))).toBeDefined();
  },
);

test('what comes behind the head does not count in its limit', () => {
  const head = 'HTTP/1.1 200 OK\r\n\r\n';
  const reader = new ResponseHeadReader('GET', head.length);
  expect(reader.read(bytes(head + 'x'.repeat(1_000)))).toBeDefined();
  expect(reader.takeRest()).toHaveLength(1_000);
});

describe('no matter what comes', () => {
  const PIECES = [
    ...['HTTP/1.1 200 OK', 'HTTP/1.0 ', '103 Hints', 'icy 200', 'HTTP/1.1 204 No\r\n', '\r\n\r\n', '\r\n', '\n', '\r'],
    ...[
      'Content-Length',
      'Transfer-Encoding',
      'Connection',
      ': ',
      ':',
      ' ',
      '\t',
      '5',
      ', ',
      'chunked',
      'identity',
      '\0',
    ],
  ];

  /** All heads, what is left behind the final one, or how it failed. */
  function readAll(reads: readonly Buffer[], method: string): unknown {
    const reader = new ResponseHeadReader(method, 120);
    const heads: ResponseHead[] = [];
    try {
      for (const [index, chunk] of reads.entries()) {
        for (let head = reader.read(chunk); head !== undefined; head = reader.read()) {
          heads.push(head);
          if (isInterim(head)) continue;
          return { heads, rest: Buffer.concat([reader.takeRest(), ...reads.slice(index + 1)]) };
        }
      }
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      return { heads, what: error.message };
    }
    return { heads, hasBegun: reader.hasBegun };
  }

  it('is read alike in any pieces, and fails with nothing but its own error', () => {
    fc.assert(
      fc.property(messages(PIECES), fc.constantFrom('GET', 'HEAD'), (message, method) => {
        expect(readAll(chop(message), method)).toEqual(readAll([message.bytes], method));
      }),
      { numRuns: 1_000 },
    );
  });

  it('has no control character when it travels on', () => {
    fc.assert(
      fc.property(messages(PIECES), ({ bytes: input }) => {
        const { heads } = readAll([Buffer.concat([bytes('HTTP/1.1 200 OK\r\n'), input, bytes('\r\n\r\n')])], 'GET') as {
          heads: ResponseHead[];
        };
        for (const { reason, fields } of heads) {
          const text = [reason, ...fields.flatMap(({ name, value }) => [name, value])].join('');
          expect([...text].filter((char) => char !== '\t' && (char < ' ' || char === '\x7f'))).toEqual([]);
          for (const { name } of fields) expect(name).toMatch(/^[^: \t](?:[^:]*[^: \t])?$/);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
