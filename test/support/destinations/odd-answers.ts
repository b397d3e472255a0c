import { readHead } from '../sockets/application.js';
import { listen } from '../sockets/listen.js';

/** Says for each request what the first part of its path names, and ends its half of the connection. */
export async function startOddAnswers(answers: Readonly<Record<string, OddAnswer>>): Promise<{ port: number }> {
  return listen((socket) => {
    void readHead(socket).then(
      (head) => {
        const name = /^\S+ (?:http:\/\/[^/]*)?\/([^/ ]*)/.exec(head)?.[1] ?? '';
        socket.resume().end(Buffer.from(answers[name]?.bytes ?? '', 'latin1'));
      },
      () => socket.destroy(),
    );
  });
}

export interface OddAnswer {
  /** Latin-1. */
  readonly bytes: string;
  /** Of the request; default GET. */
  readonly method?: 'HEAD';
  readonly status?: number;
  readonly content?: string;
  /** Programs that do not take it though nothing is wrong with it any more, by the beginning of their names. */
  readonly not?: readonly string[];
}

const OK = 'HTTP/1.1 200 OK';
const LENGTH = 'Content-Length: 5';
const CHUNKED = 'Transfer-Encoding: chunked';
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';

function answer(fields: readonly string[], body = 'hello', statusLine = OK): string {
  return [statusLine, ...fields, '', body].join('\r\n');
}

const hello = (bytes: string): OddAnswer => ({ bytes, status: 200, content: 'hello' });
const withFields = (...fields: string[]): OddAnswer => hello(answer([...fields, LENGTH]));
const withStatusLine = (statusLine: string): OddAnswer => hello(answer([LENGTH], 'hello', statusLine));
const inChunks = (chunks: string): OddAnswer => hello(answer([CHUNKED], chunks));
const without = (status: number, bytes: string): OddAnswer => ({ bytes, status, content: '' });

/** Some program takes each of them directly, and through the proxy all of them do. */
export const MENDED: Readonly<Record<string, OddAnswer>> = {
  'bytes-behind-a-length': hello(answer([LENGTH, 'Connection: close'], 'helloEXTRA')),
  'bytes-behind-chunks': inChunks(`${CHUNKS}EXTRA`),
  'a-second-last-chunk': inChunks(`${CHUNKS}0\r\n\r\n`),
  'a-204-with-chunks': without(204, answer([CHUNKED], CHUNKS, 'HTTP/1.1 204 No Content')),
  'a-204-with-content': without(204, answer([LENGTH], 'hello', 'HTTP/1.1 204 No Content')),
  'a-204-with-no-length': without(204, answer(['Content-Length: 0'], '', 'HTTP/1.1 204 No Content')),
  'a-304-with-chunks': { ...without(304, answer(['ETag: "x"', CHUNKED], CHUNKS, 'HTTP/1.1 304 Not Modified')) },
  'a-304-with-content': {
    ...without(304, answer([LENGTH], 'hello', 'HTTP/1.1 304 Not Modified')),
    not: ['Node undici'],
  },
  'head-with-content': { ...without(200, answer([LENGTH])), method: 'HEAD' },
  'head-with-chunks': { ...without(200, answer([CHUNKED], CHUNKS)), method: 'HEAD' },
  'lines-that-end-in-lf': hello(answer([LENGTH, 'Content-Type: text/plain']).replaceAll('\r\n', '\n')),
  'lines-of-both-kinds': hello(`HTTP/1.1 200 OK\n${LENGTH}\r\n\nhello`),
  'length-and-chunks': hello(answer([LENGTH, CHUNKED], CHUNKS)),
  'another-length-and-chunks': hello(answer([CHUNKED, 'Content-Length: 9'], CHUNKS)),
  'a-length-twice': hello(answer([LENGTH, LENGTH])),
  'a-length-listed-twice': hello(answer(['Content-Length: 5, 5'])),
  'a-length-with-zeros': hello(answer(['Content-Length: 005'])),
  'a-length-with-spaces': hello(answer(['Content-Length:    5   '])),
  'a-length-with-a-space-before-the-colon': hello(answer(['Content-Length : 5'])),
  'a-length-that-is-folded': hello(answer(['Content-Length:', ' 5'])),
  identity: hello(answer(['Transfer-Encoding: identity', 'Connection: close'])),
  'identity-and-a-length': hello(answer(['Transfer-Encoding: identity', LENGTH])),
  'no-coding-and-a-length': hello(answer(['Transfer-Encoding:', LENGTH])),
  'capital-letters': hello(answer(['TRANSFER-ENCODING: CHUNKED'], CHUNKS)),
  'chunked-twice': hello(answer([CHUNKED, CHUNKED], CHUNKS)),
  'chunked-listed-twice': hello(answer([`${CHUNKED}, chunked`], CHUNKS)),
  'identity-and-chunked': hello(answer(['Transfer-Encoding: identity, chunked'], CHUNKS)),
  'chunks-of-http-1-0': hello(answer([CHUNKED], CHUNKS, 'HTTP/1.0 200 OK')),
  'chunks-with-zeros': inChunks('0005\r\nhello\r\n000\r\n\r\n'),
  'chunks-with-spaces-behind': inChunks('5  \r\nhello\r\n0 \r\n\r\n'),
  'chunks-with-spaces-before': inChunks('  5\r\nhello\r\n0\r\n\r\n'),
  'chunks-with-extensions': inChunks('5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n'),
  'chunks-with-words': inChunks('5 bytes\r\nhello\r\n0\r\n\r\n'),
  'chunks-with-trailers': inChunks('5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n'),
  'chunks-that-end-in-lf': inChunks('5\nhello\n0\n\n'),
  'no-reason': withStatusLine('HTTP/1.1 200'),
  'an-empty-reason': withStatusLine('HTTP/1.1 200 '),
  'spaces-behind-the-reason': withStatusLine('HTTP/1.1 200 OK   '),
  'spaces-in-the-status-line': withStatusLine('HTTP/1.1  200  OK'),
  'no-space-before-the-reason': withStatusLine('HTTP/1.1 200OK'),
  'a-tab-in-the-status-line': withStatusLine('HTTP/1.1\t200\tOK'),
  'a-control-character-in-the-reason': withStatusLine('HTTP/1.1 200 O\x01K'),
  'utf-8-in-the-reason': withStatusLine('HTTP/1.1 200 M\xc3\xb6glich'),
  'small-letters': withStatusLine('http/1.1 200 ok'),
  'a-newer-version': withStatusLine('HTTP/1.2 200 OK'),
  'http-2-in-letters': withStatusLine('HTTP/2.0 200 OK'),
  'a-status-of-999': {
    bytes: answer([LENGTH], 'hello', 'HTTP/1.1 999 Denied'),
    status: 999,
    content: 'hello',
  },
  'a-space-before-the-status-line': withStatusLine(' HTTP/1.1 200 OK'),
  'a-space-before-a-colon': withFields('X-A : 1'),
  'a-folded-field': withFields('X-A: a', ' b', '\tc'),
  'a-folded-line-first': withFields(' folded'),
  'a-control-character': withFields('X-A: a\x01b'),
  'a-nul': withFields('X-A: a\0b'),
  'a-nul-in-a-name': withFields('X\0A: ab'),
  'a-cr-within-a-line': withFields('X-A: a\rb'),
  'a-line-without-a-colon': withFields('no colon here'),
  'a-line-without-a-name': withFields(': nothing'),
  'utf-8-in-a-value': withFields('X-A: \xc3\xbc'),
  // Python takes 100 of them.
  '200-fields': { ...withFields(...Array.from({ length: 200 }, (_, index) => `X-${index}: 1`)), not: ['Python'] },
  // Node takes 16 KiB of head, wget 64.
  'a-cookie-of-60-kib': {
    ...withFields(`Set-Cookie: a=${'x'.repeat(60 * 1024)}`),
    not: ['Node', 'Python aiohttp'],
  },
  'a-head-of-200-kb': {
    ...withFields(...Array.from({ length: 50 }, (_, index) => `X-${index}: ${'x'.repeat(4_000)}`)),
    not: ['Node', 'wget'],
  },
  'an-answer-100-before': {
    ...hello(`HTTP/1.1 100 Continue\r\n\r\n${answer([LENGTH])}`),
    not: ['Node undici'],
  },
};

/** Each program makes of it what it makes of it directly. */
export const JUDGED: Readonly<Record<string, OddAnswer>> = Object.fromEntries(
  Object.entries({
    'lengths-that-differ': answer([LENGTH, 'Content-Length: 6']),
    'lengths-that-differ-the-other-way': answer(['Content-Length: 6', LENGTH]),
    'a-list-of-lengths-that-differ': answer(['Content-Length: 5, 6']),
    'a-length-with-a-plus': answer(['Content-Length: +5']),
    'a-length-below-zero': answer(['Content-Length: -5']),
    'a-length-in-words': answer(['Content-Length: five']),
    'a-length-of-nothing': answer(['Content-Length:']),
    'a-length-with-words': answer(['Content-Length: 5 bytes']),
    'a-length-beyond-all': answer(['Content-Length: 99999999999999999999999']),
    'a-length-in-hex': answer(['Content-Length: 0x5']),
    'a-length-with-a-plus-that-is-cut': answer(['Content-Length: +9']),
    'gzip-and-chunked': answer(['Transfer-Encoding: gzip, chunked'], CHUNKS),
    'chunked-and-gzip': answer(['Transfer-Encoding: chunked, gzip'], CHUNKS),
    'gzip-and-a-length': answer(['Transfer-Encoding: gzip', LENGTH], 'helloEXTRA'),
    'an-unknown-coding': answer(['Transfer-Encoding: foo']),
    'a-name-with-a-space': answer(['X A: 1', LENGTH]),
    'a-name-with-brackets': answer(['X[A]: 1', LENGTH]),
    'utf-8-in-a-name': answer(['X-\xc3\x9c: 1', LENGTH]),
    'a-status-of-000': answer([LENGTH], 'hello', 'HTTP/1.1 000 Nothing'),
    'no-line-behind-the-last-chunk': answer([CHUNKED], '5\r\nhello\r\n0\r\n'),
  }).map(([name, bytes]) => [name, { bytes }]),
);

/** No program may take it for a complete answer. */
export const UNUSABLE: Readonly<Record<string, OddAnswer>> = Object.fromEntries(
  Object.entries({
    nothing: '',
    'an-interim-answer-alone': 'HTTP/1.1 100 Continue\r\n\r\n',
    'half-a-head': `${OK}\r\nContent-Le`,
    'a-head-without-its-end': `${OK}\r\n${LENGTH}\r\n`,
    'a-length-without-its-content': answer([LENGTH], ''),
    'less-than-its-length': answer(['Content-Length: 9']),
    'chunked-without-chunks': answer([CHUNKED], ''),
    'content-that-is-not-in-chunks': answer([CHUNKED]),
    'half-a-chunk': answer([CHUNKED], '9\r\nhello'),
    'no-last-chunk': answer([CHUNKED], '5\r\nhello\r\n'),
    'half-a-size': answer([CHUNKED], '5\r\nhello\r\n1'),
    'a-chunk-longer-than-its-size': answer([CHUNKED], '4\r\nhello\r\n0\r\n\r\n'),
    'a-chunk-without-its-size': answer([CHUNKED], '5\r\nhello\r\n\r\n0\r\n\r\n'),
    'a-negative-chunk': answer([CHUNKED], '-5\r\nhello\r\n0\r\n\r\n'),
    'a-huge-chunk': answer([CHUNKED], 'ffffffffffffffffff\r\nhello\r\n0\r\n\r\n'),
    'another-protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
    'http-0-9': '<html>hello</html>',
    'a-byte-order-mark': `\xef\xbb\xbf${answer([LENGTH])}`,
    'a-status-of-two-digits': answer([LENGTH], 'hello', 'HTTP/1.1 20 OK'),
    'a-status-of-four-digits': answer([LENGTH], 'hello', 'HTTP/1.1 2000 OK'),
    'no-status': answer([LENGTH], 'hello', 'HTTP/1.1 OK'),
    'a-101-that-nobody-asked-for': answer(
      ['Connection: upgrade', 'Upgrade: x'],
      '',
      'HTTP/1.1 101 Switching Protocols',
    ),
    'interim-answers-without-end': `HTTP/1.1 103 Early Hints\r\nLink: ${'a'.repeat(4_000)}\r\n\r\n`.repeat(100),
    'a-head-of-400-kb': answer([
      ...Array.from({ length: 100 }, (_, index) => `X-${index}: ${'x'.repeat(4_000)}`),
      LENGTH,
    ]),
  }).map(([name, bytes]) => [name, { bytes }]),
);

/**
 * What those are asked that take long for each. apt is asked no other: there are lengths with which it writes for ever, until
 * the disk is full.
 */
export const FEW: readonly string[] = [
  'lines-that-end-in-lf',
  'length-and-chunks',
  'bytes-behind-a-length',
  'a-second-last-chunk',
  'a-length-twice',
  'a-space-before-a-colon',
  'a-folded-field',
  'a-control-character',
  'less-than-its-length',
  'no-last-chunk',
  'another-protocol',
];
