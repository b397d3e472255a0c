import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventLog } from 'wsproxy-test-support/inspect/event-log';
import { Http1Reader } from '../../../src/inspect/http/http1-reader.js';
import type { Direction } from '../../../src/inspect/http/reader.js';

type Part = readonly [direction: Direction, text: string];

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\r\n`).join('');
const up = (...all: readonly string[]): Part => ['up', lines(...all)];
const down = (...all: readonly string[]): Part => ['down', lines(...all)];

/** What is told of it, and the problem if it cannot be read; each part in pieces of these sizes. */
function read(parts: readonly Part[], sizes: readonly number[] = []): { told: string[][]; problem?: string } {
  const log = new EventLog();
  const reader = new Http1Reader(log.teller);
  try {
    for (const [direction, text] of parts) {
      for (const piece of piecesOf(Buffer.from(text, 'latin1'), sizes)) reader.read(direction, piece);
    }
    reader.end('up');
    reader.end('down');
    reader.close();
    return { told: log.lines };
  } catch (error) {
    const { message } = error as Error;
    reader.close(message);
    return { told: log.lines, problem: message };
  }
}

function piecesOf(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    if (at < bytes.length) pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const CASES: readonly (readonly [name: string, parts: readonly Part[], told: string[][]])[] = [
  [
    'a request without a body',
    [
      up('GET /a?b HTTP/1.1', 'Host: x.org', 'X-a:  1', 'x-A: 2', ''),
      ['down', 'HTTP/1.1 200 Very Well\r\nContent-Length: 2\r\n\r\nok'],
    ],
    [
      [
        '1.1 GET http://x.org/a?b Host|x.org|X-a|1|x-A|2',
        'sent',
        '1.1 200 Very Well Content-Length|2',
        '< ok',
        'got',
        'over',
      ],
    ],
  ],
  [
    'a destination that ends a connection because nobody uses it',
    [
      up('GET / HTTP/1.1', ''),
      down('HTTP/1.1 204 Empty', ''),
      down('HTTP/1.0 408 Request Time-out', 'Connection: close', '', 'late'),
    ],
    [['1.1 GET http://example.org/', 'sent', '1.1 204 Empty', 'got', 'over']],
  ],
  [
    'bodies in chunks, with trailers, and information before the answer',
    [
      up('POST / HTTP/1.1', 'Transfer-Encoding: chunked', '', '3;x=y', 'abc', '1', 'd', '0', 'T: 1', ''),
      down('HTTP/1.1 103 Early Hints', 'Link: a', '', 'HTTP/1.1 100 Continue', ''),
      down('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '2', 'hi', '0', 'U: 2', ''),
    ],
    [
      [
        '1.1 POST http://example.org/ Transfer-Encoding|chunked',
        '> abcd',
        'sent T|1',
        '103 Link|a',
        '100',
        '1.1 200 OK Transfer-Encoding|chunked',
        '< hi',
        'got U|2',
        'over',
      ],
    ],
  ],
  [
    'requests that follow each other unanswered',
    [
      up('HEAD /1 HTTP/1.1', '', 'GET http://y.org/2 HTTP/1.0', ''),
      down('HTTP/1.1 200 OK', 'Content-Length: 9', '', 'HTTP/1.0 304 Not Modified', ''),
    ],
    [
      ['1.1 HEAD http://example.org/1', 'sent', '1.1 200 OK Content-Length|9', 'got', 'over'],
      ['1.0 GET http://y.org/2', 'sent', '1.0 304 Not Modified', 'got', 'over'],
    ],
  ],
  [
    'an answer that ends with the connection',
    [up('GET / HTTP/1.0', ''), ['down', 'HTTP/1.0 200 OK\r\n\r\nall of it']],
    [['1.0 GET http://example.org/', 'sent', '1.0 200 OK', '< all of it', 'got', 'over']],
  ],
  [
    'an answer that is cut',
    [up('GET / HTTP/1.1', ''), ['down', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf']],
    [
      [
        '1.1 GET http://example.org/',
        'sent',
        '1.1 200 OK Content-Length|9',
        '< half',
        'over the connection has ended before the answer',
      ],
    ],
  ],
  [
    'an answer before all of the request',
    [
      ['up', 'POST /1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nab'],
      down('HTTP/1.1 413 Too Much', 'Content-Length: 0', ''),
      ['up', 'cdGET /2 HTTP/1.1\r\n\r\n'],
      down('HTTP/1.1 204 No Content', ''),
    ],
    [
      [
        '1.1 POST http://example.org/1 Content-Length|4',
        '> ab',
        '1.1 413 Too Much Content-Length|0',
        'got',
        '> cd',
        'sent',
        'over',
      ],
      ['1.1 GET http://example.org/2', 'sent', '1.1 204 No Content', 'got', 'over'],
    ],
  ],
  [
    'what follows a change of protocol, in both directions',
    [
      up('GET /ws HTTP/1.1', 'Upgrade: websocket', ''),
      ['up', 'early'],
      ['down', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00'],
      ['up', '\x88\x80'],
      ['down', 'HTTP/1.1 200 no more of it'],
    ],
    [
      [
        '1.1 GET http://example.org/ws Upgrade|websocket',
        'sent',
        '1.1 101 Switching Protocols Upgrade|websocket',
        'up early',
        'down \x81\x00',
        'up \x88\x80',
        'down HTTP/1.1 200 no more of it',
        'over',
      ],
    ],
  ],
  [
    'a change of protocol that is refused, with the next request behind it',
    [
      up('GET /ws HTTP/1.1', 'Upgrade: websocket', ''),
      up('GET /2 HTTP/1.1', ''),
      down('HTTP/1.1 426 Upgrade Required', 'Content-Length: 0', '', 'HTTP/1.1 204 No Content', ''),
    ],
    [
      [
        '1.1 GET http://example.org/ws Upgrade|websocket',
        'sent',
        '1.1 426 Upgrade Required Content-Length|0',
        'got',
        'over',
      ],
      ['1.1 GET http://example.org/2', 'sent', '1.1 204 No Content', 'got', 'over'],
    ],
  ],
];

describe('HTTP/1.1 as it passes', () => {
  test.each(CASES)('tells %s', (_name, parts, told) => {
    expect(read(parts)).toEqual({ told });
  });

  test.each(CASES)('tells the same of %s however it is sliced', (_name, parts, told) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 200 }), (sizes) => {
        // What comes together may be told before what comes after it.
        expect(sorted(read(parts, sizes).told)).toEqual(sorted(told));
      }),
    );
  });

  test.each<[string, readonly Part[], string]>([
    [
      'an answer that nobody has asked for',
      [down('HTTP/1.1 200 OK', '')],
      'there is an answer that nobody has asked for',
    ],
    ['an answer in another protocol', [up('GET / HTTP/1.1', ''), ['down', '220 smtp\r\n']], 'it is not HTTP'],
    ['a request in another protocol', [['up', 'EHLO x\r\n\r\n']], 'the request line has no HTTP version'],
    [
      'much behind a request for another protocol',
      [up('GET / HTTP/1.1', 'Upgrade: x', ''), ['up', 'x'.repeat(300_000)]],
      'too much follows a request that asks for another protocol',
    ],
    [
      'very many requests at once',
      [['up', 'GET / HTTP/1.1\r\n\r\n'.repeat(1_001)]],
      'too many requests wait for an answer',
    ],
  ])('cannot be read with %s', (_name, parts, problem) => {
    expect(read(parts).problem).toBe(problem);
  });

  test('ends every exchange that is under way when it cannot be read', () => {
    const { told } = read([up('GET /1 HTTP/1.1', '', 'GET /2 HTTP/1.1', ''), ['down', 'nonsense']]);
    expect(told.map((events) => events.at(-1))).toEqual(['over it is not HTTP', 'over it is not HTTP']);
  });

  test('never fails in another way, with any bytes', () => {
    const part = fc.tuple(
      fc.constantFrom<Direction>('up', 'down'),
      fc.constantFrom(...CASES.flatMap(([, parts]) => parts.map(([, text]) => text)), 'x', '\r\n'),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 })), (parts, sizes) => {
        const { told } = read(parts, sizes);
        for (const events of told) expect(events.filter((event) => event.startsWith('over'))).toHaveLength(1);
      }),
    );
  });
});

/** Each exchange in the order of its kinds of events: the two directions have none between them. */
function sorted(told: readonly string[][]): string[][] {
  return told.map((events) => [...events].sort());
}
