import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hexOf, indentJson, viewsOf } from '../../../page/inspect/content.js';

describe('JSON', () => {
  test('is indented as it always is, with numbers as they were written', () => {
    expect(indentJson('{"a":[1.00,12345678901234567890],"b":{},"c":[ ]}')).toBe(
      '{\n  "a": [\n    1.00,\n    12345678901234567890\n  ],\n  "b": {},\n  "c": []\n}',
    );
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        const isTree = typeof value === 'object' && value !== null;
        expect(indentJson(text)).toBe(isTree ? JSON.stringify(value, undefined, 2) : undefined);
      }),
    );
  });

  test('is text where it is damaged, or as long as no page shows', () => {
    expect(indentJson('{"a":')).toBeUndefined();
    expect(indentJson(`["${'a'.repeat(300_000)}"]`)).toBeUndefined();
  });
});

describe('bytes', () => {
  test('are shown in rows of sixteen', () => {
    expect(hexOf(new TextEncoder().encode('GET / HTTP/1.1\r\nA')).split('\n')).toEqual([
      '00000000  47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1..',
      '00000010  41                                               A',
    ]);
  });

  test('are cut where there are many', () => {
    const rows = hexOf(new Uint8Array(20_000)).split('\n');
    expect([rows.length, rows.at(-1)]).toEqual([1_025, 'and 3616 bytes more']);
  });
});

test('a body is shown in the ways that fit', () => {
  const names = (content: object) => viewsOf(content).map(({ name }) => name);
  expect([names({}), names({ text: 'a' }), names({ text: '{}' }), names({ base64: 'AA==' })]).toEqual([
    [],
    ['Text', 'Hex'],
    ['JSON', 'Text', 'Hex'],
    ['Hex'],
  ]);
  expect(viewsOf({ base64: 'AP8=' })[0]?.show()).toMatch(/^00000000 {2}00 ff /);
  const long = viewsOf({ text: 'a'.repeat(1_000_000) })[0]?.show() ?? '';
  expect([long.length < 201_000, long.endsWith('and 800000 characters more')]).toEqual([true, true]);
});
