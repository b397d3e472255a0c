import { describe, expect, it } from 'vitest';
import { countHeader, endToEndHeaders, hasUnknownTransferCoding } from '../../../src/accept/http/http-headers.js';

function head(...rawHeaders: string[]): { rawHeaders: string[]; headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    headers[name] =
      headers[name] === undefined ? (rawHeaders[index + 1] ?? '') : `${headers[name]}, ${rawHeaders[index + 1]}`;
  }
  return { rawHeaders, headers };
}

describe('endToEndHeaders', () => {
  it('keeps case, order and duplicates', () => {
    const fields = ['X-b', '1', 'x-A', '2', 'X-B', '3', 'Set-Cookie', 'a', 'Set-Cookie', 'b'];
    expect(endToEndHeaders(head(...fields))).toEqual(fields);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Content-Length',
  ])('drops %s', (name) => {
    expect(endToEndHeaders(head('A', '1', name, 'x', 'B', '2'))).toEqual(['A', '1', 'B', '2']);
  });

  it('drops what any Connection field names', () => {
    const message = head(
      'Connection',
      'close, X-One',
      'X-One',
      '1',
      'connection',
      ' x-two ',
      'X-Two',
      '2',
      'X-Three',
      '3',
    );
    expect(endToEndHeaders(message)).toEqual(['X-Three', '3']);
  });

  it('drops what the caller replaces', () => {
    expect(endToEndHeaders(head('HOST', 'a', 'Accept', '*/*'), 'host')).toEqual(['Accept', '*/*']);
  });
});

describe('countHeader', () => {
  it('counts a field in any case', () => {
    expect(countHeader(head('Host', 'a', 'HOST', 'a', 'X-Host', 'b'), 'host')).toBe(2);
  });
});

describe('hasUnknownTransferCoding', () => {
  it.each([
    [head(), false],
    [head('Transfer-Encoding', 'Chunked'), false],
    [head('Transfer-Encoding', 'gzip, chunked'), true],
    [head('Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'), true],
    [head('Transfer-Encoding', 'identity'), true],
  ])('judges %j', (message, unknown) => {
    expect(hasUnknownTransferCoding(message)).toBe(unknown);
  });
});
