import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText } from '../src/decode-text.js';

const MARK = '\ufeff';

describe('decodeText', () => {
  it('gives back what was written in UTF-8, without one mark', () => {
    const text = fc.string({ unit: 'binary' }).filter((it) => !it.includes('\0') && !it.startsWith(MARK));
    fc.assert(
      fc.property(text, fc.boolean(), (it, marked) => {
        expect(decodeText(Buffer.from(marked ? MARK + it : it))).toBe(it);
      }),
    );
  });

  it.each([
    ['little-endian', (text: string) => Buffer.from(text, 'utf16le')],
    ['big-endian', (text: string) => Buffer.from(text, 'utf16le').swap16()],
  ])('names UTF-16, %s, with a mark and without', (_order, encode) => {
    const letters = fc.string({ minLength: 1, unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(letters, fc.boolean(), (it, marked) => {
        expect(() => decodeText(encode(marked ? MARK + it : it))).toThrow('it is in UTF-16; save it as UTF-8');
      }),
    );
  });
});
