import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode } from '../../../src/inspect/seen/decode.js';

const MIB = 1_048_576;
const CODERS: Readonly<Record<string, (data: Buffer) => Buffer>> = {
  gzip: (data) => zlib.gzipSync(data),
  'x-gzip': (data) => zlib.gzipSync(data),
  deflate: (data) => zlib.deflateSync(data),
  br: (data) => zlib.brotliCompressSync(data, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
  ...('zstdCompressSync' in zlib && { zstd: zlib.zstdCompressSync as (data: Buffer) => Buffer }),
};

describe('a body with content codings', () => {
  test('is decoded, of several in their order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5_000 }),
        fc.array(fc.constantFrom(...Object.keys(CODERS), 'identity'), { maxLength: 3 }),
        async (data, names) => {
          const coded = names.reduce((all, name) => CODERS[name]?.(all) ?? all, Buffer.from(data) as Buffer);
          const { bytes, problem } = await decode(coded, names.join(', '), MIB);
          expect([bytes.equals(Buffer.from(data)), problem]).toEqual([true, undefined]);
        },
      ),
    );
  });

  test('is decoded where deflate comes without the head of zlib', async () => {
    expect((await decode(zlib.deflateRawSync('hello'), 'deflate', MIB)).bytes.toString()).toBe('hello');
  });

  test.each(Object.keys(CODERS))('is decoded as far as it came: %s', async (name) => {
    const data = randomBytes(200_000);
    const coded = CODERS[name]?.(data) ?? data;
    const { bytes } = await decode(coded.subarray(0, coded.length / 2), name, MIB);
    expect(bytes.length).toBeGreaterThan(10_000);
    expect(bytes.equals(data.subarray(0, bytes.length))).toBe(true);
  });

  test.each(Object.keys(CODERS))('stops at the bound where it is a bomb: %s', async (name) => {
    const { bytes, problem } = await decode(CODERS[name]?.(Buffer.alloc(64 * MIB)) ?? Buffer.alloc(0), name, MIB);
    expect([bytes.length, problem]).toEqual([MIB, 'only the beginning is shown']);
  });

  test('that is damaged, or coded in a way that nobody knows, says so', async () => {
    expect((await decode(Buffer.from('no gzip'), 'gzip', MIB)).problem).toMatch(/^it cannot be decoded: /);
    expect(await decode(Buffer.from('x'), 'gzip, rot13', MIB)).toEqual({
      bytes: Buffer.from('x'),
      problem: 'the content coding rot13 is not known here',
    });
    expect((await decode(Buffer.from('x'), 'gzip,'.repeat(1_000), MIB)).problem).toBe('too many content codings');
  });

  test('of any bytes at all gives an answer, within the bound', async () => {
    const names = [...Object.keys(CODERS), 'identity', 'zstd'];
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.constantFrom(...names), { maxLength: 3 }),
        fc.nat({ max: 200 }),
        async (data, codings, most) => {
          const { bytes, problem } = await decode(data, codings.join(), most);
          expect(bytes.length <= most || problem !== undefined).toBe(true);
        },
      ),
    );
  });
});
