import { describe, expect, it } from 'vitest';
import { endToEnd, type Field, formatHead, listOf, valuesOf } from '../../src/http-message/fields.js';

function fields(...pairs: [name: string, value: string][]): Field[] {
  return pairs.map(([name, value]) => ({ name, value }));
}

describe('endToEnd', () => {
  it('keeps case, order and duplicates', () => {
    const all = fields(['X-b', '1'], ['x-A', '2'], ['X-B', '3'], ['Set-Cookie', 'a'], ['Set-Cookie', 'b']);
    expect(endToEnd(all)).toEqual(all);
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
    expect(endToEnd(fields(['A', '1'], [name, 'x'], ['B', '2']))).toEqual(fields(['A', '1'], ['B', '2']));
  });

  it('drops what any Connection field names', () => {
    const all = fields(['Connection', 'close, X-One'], ['X-One', '1'], ['connection', ' x-two ,'], ['X-Two', '2']);
    expect(endToEnd([...all, { name: 'X-Three', value: '3' }])).toEqual(fields(['X-Three', '3']));
  });

  it('drops what the caller replaces', () => {
    expect(endToEnd(fields(['HOST', 'a'], ['Accept', '*/*']), 'host')).toEqual(fields(['Accept', '*/*']));
  });
});

it('valuesOf gives a value for each line, in any case', () => {
  expect(valuesOf(fields(['Host', 'a'], ['HOST', 'a, b'], ['X-Host', 'c']), 'host')).toEqual(['a', 'a, b']);
});

it('listOf gives the elements of all lines, without empty ones', () => {
  expect(listOf(fields(['Via', 'A ,, b'], ['via', ''], ['VIA', 'c,']), 'via')).toEqual(['a', 'b', 'c']);
});

it('formatHead writes every character as one byte', () => {
  const head = formatHead('HTTP/1.1 200 M\xf6glich', fields(['X', '\xff'], ['Y', '']));
  expect(head).toEqual(Buffer.from('HTTP/1.1 200 M\xf6glich\r\nX: \xff\r\nY: \r\n\r\n', 'latin1'));
});
