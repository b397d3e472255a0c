import { expect, test } from 'vitest';
import { filled } from 'wsproxy-test-support/engine/bytes';
import { allocateAlone, zeros } from '../../src/bytes.js';
import { compact } from '../../src/memory/compact.js';

test('a small slice of a large buffer is copied', () => {
  const large = filled(65_536, 7);
  const kept = compact(large.subarray(100, 200));
  expect(kept).toEqual(filled(100, 7));
  expect(kept.buffer.byteLength).toBe(100);
});

test.each([
  ['a whole buffer', zeros(65_536)],
  ['most of a small buffer', allocateAlone(1_000).subarray(0, 600)],
  ['a large slice', zeros(65_536).subarray(0, 20_000)],
])('%s is kept as it is', (_name, chunk) => {
  expect(compact(chunk)).toBe(chunk);
});
