import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keystreamBytes } from 'wsproxy-test-support/keystream';
import { ByteLedger } from './lab/byte-ledger.js';

const SEED = 'ledger';
const TOTAL = 10_000;
const sent = keystreamBytes(SEED, TOTAL);
const CLEAN = { lost: 0, duplicated: 0, reordered: 0, corrupted: 0 };

/** What a ledger says of bytes that arrive in pieces of these lengths, again and again. */
function book(bytes: Buffer, lengths: readonly number[] = [bytes.length]) {
  const ledger = new ByteLedger(SEED);
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const length = lengths[n % lengths.length] ?? 1;
    ledger.push(bytes.subarray(at, at + length));
    at += length;
  }
  expect(ledger.length).toBe(bytes.length);
  const { duplicated, reordered, corrupted } = ledger;
  return { lost: ledger.lost(TOTAL), duplicated, reordered, corrupted };
}

const pieces = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 20 });
/** Far enough from the end for what follows to be recognised. */
const place = fc.nat(TOTAL - 1_000);
const length = fc.integer({ min: 20, max: 400 });

describe('a ledger of bytes', () => {
  test('finds nothing wrong with what is right, however it is cut', () => {
    fc.assert(
      fc.property(pieces, (lengths) => {
        expect(book(sent, lengths)).toEqual(CLEAN);
      }),
    );
  });

  test('counts what was lost', () => {
    fc.assert(
      fc.property(place, length, (at, lost) => {
        expect(book(Buffer.concat([sent.subarray(0, at), sent.subarray(at + lost)]))).toEqual({ ...CLEAN, lost });
      }),
    );
    expect(book(sent.subarray(0, 9_000))).toEqual({ ...CLEAN, lost: 1_000 });
  });

  test('tells the holes in what has arrived from what is still to come', () => {
    const ledger = new ByteLedger(SEED);
    ledger.push(sent.subarray(0, 1_000));
    expect(ledger.holes).toBe(0);
    ledger.push(sent.subarray(1_500, 2_000));
    expect(ledger.holes).toBe(500);
    expect(ledger.lost(TOTAL)).toBe(8_500);
  });

  test('counts what came twice', () => {
    fc.assert(
      fc.property(place, length, (at, duplicated) => {
        const end = at + duplicated;
        const bytes = Buffer.concat([sent.subarray(0, end), sent.subarray(at, end), sent.subarray(end)]);
        expect(book(bytes)).toEqual({ ...CLEAN, duplicated });
      }),
    );
  });

  test('counts what came too late, not as lost and found again', () => {
    fc.assert(
      fc.property(place, length, (at, reordered) => {
        const [first, second, rest] = [at, at + reordered, at + 2 * reordered];
        // Where two of the pieces begin alike, their bounds cannot be told.
        fc.pre(new Set([sent[first], sent[second], sent[rest]]).size === 3);
        const bytes = Buffer.concat([
          sent.subarray(0, first),
          sent.subarray(second, rest),
          sent.subarray(first, second),
          sent.subarray(rest),
        ]);
        expect(book(bytes)).toEqual({ ...CLEAN, reordered });
      }),
    );
  });

  test('counts what was changed, byte by byte', () => {
    fc.assert(
      fc.property(place, pieces, (at, lengths) => {
        const bytes = Buffer.from(sent);
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        expect(book(bytes, lengths)).toEqual({ ...CLEAN, corrupted: 1 });
      }),
    );
    const noise = Buffer.concat([sent.subarray(0, 5_000), keystreamBytes('another', 5_000)]);
    expect(book(noise)).toEqual({ ...CLEAN, corrupted: 5_000 });
  });
});
