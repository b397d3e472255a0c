import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from 'wsproxy-test-support/engine/bytes';
import { join } from '../../src/bytes.js';
import { MAX_MESSAGE, RecordReader, recordHead } from '../../src/push/records.js';

test('records are read back, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (records, cuts) => {
        let rest = join(records.flatMap((one) => [recordHead(one.length), one]));
        const reader = new RecordReader();
        const read: string[] = [];
        for (let n = 0; rest.length > 0; n++) {
          const cut = cuts[n % cuts.length] as number;
          read.push(...[...reader.read(rest.subarray(0, cut))].map(toHex));
          rest = rest.subarray(cut);
        }
        expect(read).toEqual(records.map(toHex));
      },
    ),
  );
});

test('a record of no bytes is one', () => {
  expect([...new RecordReader().read(recordHead(0))].map(toHex)).toEqual(['']);
});

test('one that is too long is refused by its head', () => {
  expect([...new RecordReader().read(recordHead(MAX_MESSAGE))]).toEqual([]);
  expect(() => [...new RecordReader().read(recordHead(MAX_MESSAGE + 1))]).toThrow(RangeError);
});
