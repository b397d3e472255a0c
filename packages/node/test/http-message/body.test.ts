import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { createBodyReader } from '../../src/http-message/body.js';
import type { BodyReader, Framing } from '../../src/http-message/body-reader.js';
import { lastChunk, readAsChunk } from '../../src/http-message/chunked.js';
import { MessageError } from '../../src/http-message/message-error.js';
import { chop, messages } from './chopped.js';

const CHUNKED: Framing = { kind: 'chunked' };

interface Read {
  readonly content: string;
  readonly rest: string;
  readonly body: BodyReader;
}

function readAll(framing: Framing, reads: readonly Buffer[], strict = false): Read {
  const body = createBodyReader(framing, strict);
  let content = '';
  let rest = '';
  for (const input of reads) {
    const used = body.read(input, (piece) => {
      content += piece.toString('latin1');
    });
    rest += input.toString('latin1', used);
  }
  return { content, rest, body };
}

function read(framing: Framing, text: string, strict = false): Read {
  return readAll(framing, [Buffer.from(text, 'latin1')], strict);
}

describe('content', () => {
  it.each([
    [{ kind: 'none' }, '', 'helloEXTRA', true],
    [{ kind: 'length', length: 0 }, '', 'helloEXTRA', true],
    [{ kind: 'length', length: 5 }, 'hello', 'EXTRA', true],
    [{ kind: 'length', length: 11 }, 'helloEXTRA', '', false],
    [{ kind: 'close' }, 'helloEXTRA', '', false],
  ] as const)('with %j ends where it says', (framing, content, rest, isOver) => {
    const result = read(framing, 'helloEXTRA');
    expect([result.content, result.rest, result.body.isOver]).toEqual([content, rest, isOver]);
  });

  it.each([
    [{ kind: 'none' }, '', true],
    [{ kind: 'length', length: 5 }, 'hell', false],
    [{ kind: 'length', length: 5 }, 'hello', true],
    [{ kind: 'close' }, 'hell', true],
    [CHUNKED, '', false],
    [CHUNKED, '5', false],
    [CHUNKED, '5\r\nhell', false],
    [CHUNKED, '5\r\nhello\r\n', false],
    [CHUNKED, '5\r\nhello\r\n0', false],
    [CHUNKED, '5\r\nhello\r\n0\r\n', true],
    [CHUNKED, '5\r\nhello\r\n0\r\nX: 1\r\n', true],
    [CHUNKED, '5\r\nhello\r\n0\r\n\r\n', true],
  ] as const)('with %j and %j, and then the end, tells whether it is complete', (framing, text, isComplete) => {
    const { body } = read(framing, text);
    expect(body.end()).toBe(isComplete);
    expect(body.isOver).toBe(isComplete);
  });

  it('of a request needs the line behind the last chunk', () => {
    expect(read(CHUNKED, '0\r\n', true).body.end()).toBe(false);
  });
});

describe('chunks', () => {
  it.each([
    ['5\r\nhello\r\n0\r\n\r\n', true],
    ['2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n', true],
    ['0005\r\nhello\r\n000\r\n\r\n', true],
    ['5;a=b;c="d"\r\nhello\r\n0 ;x\r\n\r\n', true],
    ['5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n', true],
    ['5\nhello\n0\n\n', false],
    ['5\r\r\nhello\r\r\n0\r\n\r\n', false],
    ['5  \r\nhello\r\n0  \r\n\r\n', false],
    ['  5\r\nhello\r\n0\r\n\r\n', false],
    ['5 hello\r\nhello\r\n0\r\n\r\n', false],
    ['5\x01\r\nhello\r\n0\r\n\r\n', false],
    ['5\r\nhello\r\n0\r\nno field\r\n\r\n', false],
  ])('%j are read, and by the strict one only if they are plain', (text, isPlain) => {
    const { content, rest, body } = read(CHUNKED, `${text}0\r\n\r\n`);
    expect([content, rest, body.isOver, body.isPlain]).toEqual(['hello', '0\r\n\r\n', true, isPlain]);
    if (isPlain) expect(read(CHUNKED, text, true)).toMatchObject({ content: 'hello' });
    else expect(() => read(CHUNKED, text, true)).toThrow(MessageError);
  });

  it.each([
    ['hello', 'the size of a chunk is not a number'],
    ['\r\n', 'the size of a chunk is not a number'],
    ['-5\r\nhello\r\n', 'the size of a chunk is not a number'],
    ['0x5\r\nhello\r\n', 'the size of a chunk is not a number'],
    ['ffffffffffffffff\r\n', 'the size of a chunk is not a number'],
    ['5\r\nhello0\r\n', 'a chunk is longer than its size'],
    ['4\r\nhello', 'a chunk is longer than its size'],
  ])('%j are none', (text, what) => {
    for (const strict of [true, false]) {
      expect(() => read(CHUNKED, `${text}\r\n`, strict)).toThrow(new MessageError('malformed', what));
    }
  });

  it.each([
    ['extensions', '5;', 'x'],
    ['a size', '', '0'],
    ['white space', '', ' '],
    ['a trailer', '0\r\nX: ', 'x'],
    ['trailers', '0\r\n', 'X: 1\r\n'],
    ['carriage returns', '5\r\nhello', '\r'],
  ])('with endless %s are refused', (_what, begin, more) => {
    const body = createBodyReader(CHUNKED, false);
    const feed = (text: string): void => void body.read(Buffer.from(text), () => {});
    feed(begin);
    expect(() => {
      for (let count = 0; count < 20_000; count += 1) feed(more);
    }).toThrow(MessageError);
  });

  it('keep their trailers', () => {
    const { body } = read(CHUNKED, '0\r\nX-A: 1\r\nX-B : 2\r\n\r\n');
    expect(body.trailers).toEqual([
      { name: 'X-A', value: '1' },
      { name: 'X-B', value: '2' },
    ]);
  });
});

test('what readAsChunk and lastChunk write is read again', () => {
  const chunks: Buffer[] = [];
  const pieces = Buffer.from(`14\r\n${'x'.repeat(20)}\r\n6\r\nxxxxxx\r\n`);
  readAsChunk(createBodyReader(CHUNKED, true), pieces, (parts) => chunks.push(Buffer.concat(parts)));
  expect(chunks).toHaveLength(1);
  const trailers = [
    { name: 'X-A', value: '1' },
    { name: 'Content-Length', value: '9' },
    { name: 'Host', value: 'a' },
  ];
  const { content, body } = read(CHUNKED, `${Buffer.concat(chunks)}${lastChunk(trailers)}`, true);
  expect([content, body.trailers]).toEqual(['x'.repeat(26), [{ name: 'X-A', value: '1' }]]);
});

test('trailers without their end get none', () => {
  const { body } = read(CHUNKED, '0\r\nX: 1\r\n');
  expect(body.end()).toBe(true);
  expect(lastChunk(body.trailers)).toBe('0\r\n');
});

describe('no matter what comes', () => {
  const PIECES = [
    '5\r\nhello\r\n',
    '0\r\n\r\n',
    '\r\n',
    '\n',
    '\r',
    '1',
    'a',
    'F',
    ';x=y',
    ' ',
    'X: 1\r\n',
    'hello',
    '\0',
  ];

  function outcome(reads: readonly Buffer[], strict: boolean): unknown {
    let content = '';
    const body = createBodyReader(CHUNKED, strict);
    let used = 0;
    try {
      for (const input of reads) {
        used += body.read(input, (piece) => {
          content += piece.toString('latin1');
        });
      }
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      return { content, what: error.message };
    }
    const { isOver, isPlain, trailers } = body;
    return { content, used, isOver, isPlain, trailers, isComplete: body.end() };
  }

  it('is read alike in any pieces, and fails with nothing but its own error', () => {
    fc.assert(
      fc.property(messages(PIECES), fc.boolean(), (message, strict) => {
        expect(outcome(chop(message), strict)).toEqual(outcome([message.bytes], strict));
      }),
      { numRuns: 1_000 },
    );
  });

  it('the strict reader takes nothing that the tolerant one reads otherwise', () => {
    fc.assert(
      fc.property(messages(PIECES), ({ bytes }) => {
        const strictly = outcome([bytes], true) as { what?: string; isComplete?: boolean; isOver?: boolean };
        if (strictly.what === undefined && strictly.isOver === true) expect(outcome([bytes], false)).toEqual(strictly);
      }),
      { numRuns: 1_000 },
    );
  });
});
