import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeInfo, decodePassword, encodeInfo } from '../../src/wisp/info.js';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

describe('an INFO', () => {
  test('says the version and each extension with the length of its payload', () => {
    const extensions = [
      { id: 1, payload: bytes('') },
      { id: 2, payload: bytes('01') },
      { id: 4, payload: Buffer.from('hi') },
    ];
    expect(encodeInfo(extensions)).toEqual(bytes('02 00  01 00000000  02 01000000 01  04 02000000 6869'));
  });

  test('is read with extensions that nobody knows', () => {
    expect(decodeInfo(bytes('02 01  f0 03000000 aabbcc  05 00000000'))).toEqual({
      major: 2,
      minor: 1,
      extensions: [
        { id: 0xf0, payload: bytes('aabbcc') },
        { id: 5, payload: bytes('') },
      ],
    });
  });

  test.each([
    ['nothing', ''],
    ['half a version', '02'],
    ['half a head', '02 00 01 000000'],
    ['a payload that is not all there', '02 00 01 02000000 aa'],
    ['a length beyond all', '02 00 01 ffffffff aa'],
  ])('is none: %s', (_, hex) => {
    expect(decodeInfo(bytes(hex))).toBeUndefined();
  });

  test('is read as it was written', () => {
    const extension = fc.record({
      id: fc.nat(255),
      payload: fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one)),
    });
    fc.assert(
      fc.property(fc.array(extension, { maxLength: 8 }), (extensions) => {
        expect(decodeInfo(encodeInfo(extensions))).toEqual({ major: 2, minor: 0, extensions });
      }),
    );
  });
});

describe('a login', () => {
  test.each([
    ['of draft 6', '05 616c696365 736563726574'],
    ['of earlier drafts, which say the length of the password', '05 0600 616c696365 736563726574'],
  ])('is read %s', (_, hex) => {
    expect(decodePassword(bytes(hex))).toEqual({ name: 'alice', password: 'secret' });
  });

  test.each([
    ['nothing', ''],
    ['a name that is not all there', '05 616c'],
  ])('is none: %s', (_, hex) => {
    expect(decodePassword(bytes(hex))).toBeUndefined();
  });

  test('is read of arbitrary bytes without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
        const login = decodePassword(payload);
        expect(login === undefined || typeof login.password === 'string').toBe(true);
      }),
    );
  });
});
