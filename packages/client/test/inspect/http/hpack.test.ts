import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HpackDecoder } from '../../../src/inspect/http/hpack.js';

const block = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex');

describe('headers of HTTP/2', () => {
  // RFC 7541 appendices C.3 and C.4.
  test.each([
    [
      'without a Huffman code',
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
    ],
    [
      'with one',
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ],
  ])('of three requests, %s, are read as the specification says', (_how, blocks) => {
    const decoder = new HpackDecoder();
    const [authority, noCache] = [
      [':authority', 'www.example.com'],
      ['cache-control', 'no-cache'],
    ] as const;
    expect(blocks.map((hex) => decoder.decode(block(hex)))).toEqual([
      [':method', 'GET', ':scheme', 'http', ':path', '/', ...authority],
      [':method', 'GET', ':scheme', 'http', ':path', '/', ...authority, ...noCache],
      [':method', 'GET', ':scheme', 'https', ':path', '/index.html', ...authority, 'custom-key', 'custom-value'],
    ]);
  });

  // Appendix C.6: 256 bytes of table, so that the oldest ones leave it.
  test('of three answers leave a table that is too small for all', () => {
    const decoder = new HpackDecoder();
    const blocks = [
      '3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ];
    const [first, second, third] = blocks.map((hex) => decoder.decode(block(hex)));
    const common = [
      'cache-control',
      'private',
      'date',
      'Mon, 21 Oct 2013 20:13:21 GMT',
      'location',
      'https://www.example.com',
    ];
    expect(first).toEqual([':status', '302', ...common]);
    expect(second).toEqual([':status', '307', ...common]);
    expect(third?.slice(0, 6)).toEqual([
      ':status',
      '200',
      'cache-control',
      'private',
      'date',
      'Mon, 21 Oct 2013 20:13:22 GMT',
    ]);
    expect(third?.at(-1)).toBe('foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1');
  });

  test.each([
    ['a number that none has', 'ff00', /has a number that none has/],
    ['the number nought', '80', /has a number that none has/],
    ['a text that is cut', '4003', /too soon/],
    ['a number without end', '7fffffffffffffff7f', /too large/],
    ['a table beyond all bounds', '3fe1ffff7f', /larger than 256 KiB/],
    ['a Huffman code that ends within a symbol', '408100', /ends within a symbol/],
    ['the symbol that ends no text', '4084ffffffff', /no such symbol/],
  ])('with %s cannot be read', (_what, hex, problem) => {
    expect(() => new HpackDecoder().decode(block(hex))).toThrow(problem);
  });

  test('that say the same long field over and over are bounded', () => {
    const decoder = new HpackDecoder();
    const value = Buffer.alloc(4_000, 'x');
    decoder.decode(Buffer.concat([block('400161 7fa11e'), value]));
    expect(() => decoder.decode(Buffer.alloc(70, 0xbe))).toThrow(/larger than 256 KiB/);
  });

  test('of any bytes are read, or told to be none', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder();
        try {
          for (const bytes of blocks) expect(decoder.decode(Buffer.from(bytes)).length % 2).toBe(0);
        } catch (error) {
          expect((error as Error).message).toMatch(/header|Huffman/);
        }
      }),
    );
  });
});
