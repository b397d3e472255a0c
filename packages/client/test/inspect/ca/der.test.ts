import { describe, expect, test } from 'vitest';
import { bits, der, integer, oid, sequence, text, time } from '../../../src/inspect/ca/der.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');

describe('a value by the distinguished encoding rules', () => {
  test.each([
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_536, '0483010000'],
  ])('of %i bytes says its length in as few bytes as can be', (length, head) => {
    const value = der(0x04, Buffer.alloc(length));
    expect(hex(value.subarray(0, value.length - length))).toBe(head);
  });

  test.each([
    [[0], '020100'],
    [[0, 0, 1], '020101'],
    [[0x7f], '02017f'],
    [[0x80], '02020080'],
    [[0, 0xff, 1], '020300ff01'],
  ])('of the number %j has no byte too many, and no sign', (bytes, expected) => {
    expect(hex(integer(Buffer.from(bytes)))).toBe(expected);
  });

  // As OpenSSL writes them.
  test.each([
    ['2.5.29.30', '0603551d1e'],
    ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
    ['1.3.6.1.5.5.7.3.1', '06082b06010505070301'],
  ])('names %s', (name, expected) => {
    expect(hex(oid(name))).toBe(expected);
  });

  test.each([
    ['2026-01-02T03:04:05.678Z', '170d3236303130323033303430355a'],
    ['2049-12-31T23:59:59Z', '170d3439313233313233353935395a'],
    ['2050-01-01T00:00:00Z', '180f32303530303130313030303030305a'],
  ])('tells the time %s in the form of its century', (at, expected) => {
    expect(hex(time(new Date(at)))).toBe(expected);
  });

  test('holds others', () => {
    expect(hex(sequence(text('ü'), bits(Buffer.from([0x04]), 2)))).toBe('30080c02c3bc03020204');
  });
});
