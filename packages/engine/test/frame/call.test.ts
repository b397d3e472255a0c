import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { call, incoming } from 'wsproxy-test-support/engine/frames';
import { decodeCall, encodeCall, isCall } from '../../src/frame/call.js';

test('a call is read back as it was written', () => {
  const service = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((one) => new TextEncoder().encode(one).length <= 255);
  fc.assert(
    fc.property(fc.record({ window: fc.nat(0xffff_ffff), service }), (one) => {
      const payload = encodeCall(one);
      expect([payload && isCall(payload), payload && decodeCall(payload)]).toEqual([true, one]);
    }),
  );
});

test.each([
  ['no name', ''],
  ['a name of 256 bytes', 'x'.repeat(256)],
  ['half a character', '\ud800'],
])('there is no call for %s', (_what, service) => {
  expect(encodeCall({ window: 0, service })).toBeUndefined();
});

test('a name of 255 bytes is the longest', () => {
  expect(encodeCall({ window: 0, service: 'x'.repeat(255) })).toHaveLength(265);
});

test('what arrives at a listener is no call', () => {
  expect([isCall(call(2).payload), isCall(incoming(2, 1).payload)]).toEqual([true, false]);
});

describe('a call is not understood', () => {
  test.each([
    ['of datagrams', call(2, 'news', { kind: 2 })],
    ['with addresses', incoming(2, 0, { name: 'news' })],
    ['without a name', call(2, '')],
    ['with a name that is no text', call(2, '\xff')],
    ['with a name that is too long', call(2, 'x'.repeat(256))],
  ])('%s', (_what, { payload }) => {
    expect(decodeCall(payload)).toBeUndefined();
  });
});

test('no matter what a payload of the right length holds, decoding it ends with a value', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 300 }), (payload) => {
      const read = decodeCall(payload);
      expect(read === undefined || read.service.length > 0).toBe(true);
    }),
  );
});
