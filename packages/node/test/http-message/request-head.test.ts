import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageError } from '../../src/http-message/message-error.js';
import { type RequestHead, RequestHeadReader } from '../../src/http-message/request-head.js';

interface Outcome {
  readonly head?: RequestHead;
  readonly rest?: string;
  readonly fault?: string;
  readonly reason?: string;
}

/** What comes of `bytes` in slices of `size`: a head and what is behind it, a refusal, or nothing yet. */
function read(bytes: Buffer, size = bytes.length): Outcome {
  const reader = new RequestHeadReader();
  try {
    for (let at = 0; at < bytes.length; at += size) {
      const head = reader.read(bytes.subarray(at, at + size));
      if (head !== undefined)
        return { head, rest: reader.rest.toString('latin1') + bytes.toString('latin1', at + size) };
    }
    return {};
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    return { fault: error.fault, reason: error.message };
  }
}

function readText(text: string): Outcome {
  return read(Buffer.from(text, 'latin1'));
}

function withFields(...lines: string[]): string {
  return ['POST http://a/ HTTP/1.1', ...lines, '', ''].join('\r\n');
}

describe('the head of a request', () => {
  it('is read with the case, the order and the bytes of what it says', () => {
    const text = 'M-SEARCH http://a/stra\xdfe?"|{} HTTP/1.0\r\nX-b: \t 1 \xff 2\t\r\nx-B:\r\n\r\nbehind';
    expect(readText(text)).toEqual({
      head: {
        method: 'M-SEARCH',
        requestTarget: 'http://a/stra\xdfe?"|{}',
        minor: 0,
        fields: [
          { name: 'X-b', value: '1 \xff 2' },
          { name: 'x-B', value: '' },
        ],
        framing: { kind: 'none' },
      },
      rest: 'behind',
    });
  });

  it.each([
    ['an empty line before it', '\r\nGET http://a/ HTTP/1.1\r\n\r\n'],
    ['several of them', '\n\r\n\n\r\nGET http://a/ HTTP/1.1\r\n\r\n'],
    ['LF in place of every CRLF', 'GET http://a/ HTTP/1.1\n\n'],
  ])('is taken with %s', (_title, text) => {
    expect(readText(text)).toMatchObject({ head: { method: 'GET', minor: 1 }, rest: '' });
  });

  it.each([
    ['none', [], { kind: 'none' }],
    ['a length', ['Content-Length: 5'], { kind: 'length', length: 5 }],
    ['a length twice the same', ['Content-Length: 5', 'content-length: 5, 5'], { kind: 'length', length: 5 }],
    ['chunks', ['Transfer-Encoding: Chunked'], { kind: 'chunked' }],
  ])('frames content by %s', (_title, lines, framing) => {
    expect(readText(withFields(...lines)).head?.framing).toEqual(framing);
  });

  it.each([
    ['GET', 'malformed', 'the request line has no URI'],
    ['GET  HTTP/1.1', 'malformed', 'the request line has no URI'],
    ['GET http://a/', 'malformed', 'the request line has no HTTP version'],
    ['GET http://a/ b HTTP/1.1', 'malformed', 'the URI has a space, or the request line one too many'],
    ['GET http://a/ HTTP/1.1 ', 'malformed', 'the URI has a space, or the request line one too many'],
    ['GET http://a/\tb HTTP/1.1', 'malformed', 'the request line has a tab'],
    ['GET http://a/\x00 HTTP/1.1', 'malformed', 'the request line has a control character'],
    ['GET http://a/ HTTP/1.1\rX: y', 'malformed', 'the request line has a control character'],
    ['G@T http://a/ HTTP/1.1', 'malformed', 'the method has a character that is not allowed'],
    ['GET http://a/ HTTP/2.0', 'malformed', 'the HTTP version must be 1.0 or 1.1'],
    ['GET http://a/ http/1.1', 'malformed', 'the request line has no HTTP version'],
  ])('that begins with %j is refused by name', (line, fault, reason) => {
    expect(readText(`${line}\r\nHost: a\r\n\r\n`)).toEqual({ fault, reason });
  });

  const name = 'the name of a field has a space or a character that is not allowed';
  it.each([
    ['a space before a colon', ['X : a'], 'a field has a space before its colon'],
    ['a tab before a colon', ['Content-Length\t: 5'], 'a field has a space before its colon'],
    ['a folded field', ['X: a', ' b'], 'a field is folded over several lines'],
    ['a folded first field', [' X: a'], 'a field is folded over several lines'],
    ['a line without a colon', ['X'], 'a field has no colon'],
    ['a line without a name', [': a'], 'a field has no name'],
    ['a space in a name', ['X Y: a'], name],
    ['a byte beyond ASCII in a name', ['X\xff: a'], name],
    ['a control character', ['X: a\x01b'], 'a field has a control character'],
    ['a carriage return', ['X: a\rContent-Length: 5'], 'a field has a control character'],
    ['one line that ends in LF', ['X: a\nY: b'], 'some lines end in CRLF, others in LF alone'],
    ['different lengths', ['Content-Length: 5', 'Content-Length: 6'], 'the request has different Content-Lengths'],
    ['lengths that are written differently', ['Content-Length: 5, 05'], 'the request has different Content-Lengths'],
    ['a length with a sign', ['Content-Length: +5'], 'the Content-Length is not a number that can be'],
    ['a length that is empty', ['Content-Length:'], 'the Content-Length is not a number that can be'],
    [
      'a length beyond counting',
      ['Content-Length: 9007199254740993'],
      'the Content-Length is not a number that can be',
    ],
    [
      'length and chunks',
      ['Content-Length: 5', 'Transfer-Encoding: chunked'],
      'the request has both Content-Length and Transfer-Encoding',
    ],
  ])('with %s is refused by name', (_title, lines, reason) => {
    expect(readText(withFields(...lines))).toEqual({ fault: 'malformed', reason });
  });

  it.each(['gzip, chunked', 'identity', 'chunked, chunked', '', 'xchunked'])('refuses transfer coding %j', (coding) => {
    const refusal = { fault: 'unsupported', reason: 'Transfer-Encoding is not "chunked"' };
    expect(readText(withFields(`Transfer-Encoding: ${coding}`))).toEqual(refusal);
  });

  it('has no transfer coding in HTTP/1.0', () => {
    const text = withFields('Transfer-Encoding: chunked').replace('HTTP/1.1', 'HTTP/1.0');
    expect(readText(text)).toEqual({ fault: 'malformed', reason: 'Transfer-Encoding is not part of HTTP/1.0' });
  });

  it('has 500 fields and 64 KiB at most', () => {
    const fields = (count: number) => withFields(...Array.from({ length: count }, (_, index) => `X${index}: x`));
    expect(readText(fields(500)).head?.fields).toHaveLength(500);
    expect(readText(fields(501))).toEqual({ fault: 'too large', reason: 'the request has more than 500 fields' });
    const sized = (size: number) => withFields(`X: ${'x'.repeat(size - withFields('X: ').length)}`);
    expect(readText(`${sized(65_536)}behind`)).toMatchObject({ head: {}, rest: 'behind' });
    const tooLarge = { fault: 'too large', reason: 'the head of the request is larger than 64 KiB' };
    expect(readText(sized(65_537))).toEqual(tooLarge);
    expect(readText('\r\n'.repeat(32_769))).toEqual(tooLarge);
  });

  it('is refused before its end, as soon as another protocol shows', () => {
    expect(readText('G\x16\x03\x01')).toEqual({
      fault: 'malformed',
      reason: 'the request line has a control character',
    });
  });

  it('of 64 KiB of white space takes no time', { timeout: 2_000 }, () => {
    expect(readText(withFields(`X: a${' \t'.repeat(32_000)}b`)).head?.fields[0]?.value).toHaveLength(64_002);
  });
});

describe('any input', () => {
  const bases = [
    withFields('Host: a', 'Content-Length: 3', 'X: \xfc'),
    withFields('Transfer-Encoding: chunked', 'Connection: Upgrade', 'Upgrade: x'),
    '\r\n\nGET http://a/ HTTP/1.0\nHost: a\nX: y\n\n',
  ];
  const edit = fc.record({
    at: fc.nat(150),
    remove: fc.nat(3),
    insert: fc.constantFrom(
      '',
      '\r',
      '\n',
      '\r\n',
      ' ',
      '\t',
      ':',
      ',',
      '\0',
      '\x0b',
      '\x85',
      '0',
      'Content-Length: 9\r\n',
    ),
  });
  const damaged = fc
    .tuple(fc.constantFrom(...bases), fc.array(edit, { maxLength: 4 }), fc.nat(200))
    .map(([base, edits, length]) => {
      let text = base;
      for (const { at, remove, insert } of edits) text = text.slice(0, at) + insert + text.slice(at + remove);
      return Buffer.from(text.slice(0, length), 'latin1');
    });
  const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));

  it('is read or refused by name, however it is sliced', () => {
    fc.assert(
      fc.property(fc.oneof(damaged, noise), fc.integer({ min: 1, max: 40 }), (bytes, size) => {
        const outcome = read(bytes);
        expect(read(bytes, size)).toEqual(outcome);
        expect(outcome.reason ?? '').toMatch(/^[\x20-\x7e]*$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('that is taken reads the same once more when it is written out, and holds nothing that could be a line end', () => {
    fc.assert(
      fc.property(damaged, (bytes) => {
        const { head } = read(bytes);
        if (head === undefined) return;
        const { method, requestTarget, minor, fields } = head;
        for (const text of [method, requestTarget, ...fields.flatMap((field) => [field.name, field.value])]) {
          expect(text).not.toMatch(/[\0-\x08\x0a-\x1f\x7f]/);
        }
        const lines = fields.map((field) => `${field.name}: ${field.value}`);
        const again = [`${method} ${requestTarget} HTTP/1.${minor}`, ...lines, '', ''].join('\r\n');
        expect(readText(again)).toEqual({ head, rest: '' });
      }),
      { numRuns: 1_000 },
    );
  });
});
