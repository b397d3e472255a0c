import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecord, RecordReader, RecordType } from '../../src/control/records.js';

type Seen = [type: RecordType, text: string];

/** What a reader makes of some bytes; data that comes in pieces is one. */
function read(pieces: readonly Uint8Array[]): Seen[] {
  const seen: Seen[] = [];
  let isOpen = false;
  const reader = new RecordReader({
    onData(bytes) {
      const last = seen.at(-1);
      if (isOpen && last !== undefined) last[1] += Buffer.from(bytes).toString('latin1');
      else seen.push([RecordType.data, Buffer.from(bytes).toString('latin1')]);
      isOpen = true;
    },
    onRecord(type, text) {
      isOpen = false;
      seen.push([type, text]);
    },
  });
  for (const piece of pieces) reader.read(piece);
  return seen;
}

const record = fc.oneof(
  fc.tuple(fc.constantFrom(1, 2, 4, 5), fc.string({ maxLength: 300 })),
  fc.tuple(fc.constant(RecordType.data), fc.string({ minLength: 1, maxLength: 300 })),
) as fc.Arbitrary<Seen>;

describe('records', () => {
  it('are read as they were written, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), fc.array(fc.nat(40), { maxLength: 60 }), (records, cuts) => {
        // Two pieces of data in a row cannot be told from one.
        const apart = records.filter(
          ([type], at) => type !== RecordType.data || records[at - 1]?.[0] !== RecordType.data,
        );
        const bytes = Buffer.concat(
          apart.flatMap(([type, text]) =>
            encodeRecord(type, Buffer.from(text, type === RecordType.data ? 'latin1' : 'utf8')),
          ),
        );
        const expected = apart.map(([type, text]) => [
          type,
          type === RecordType.data ? Buffer.from(text, 'latin1').toString('latin1') : Buffer.from(text).toString(),
        ]);
        const pieces: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          pieces.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        pieces.push(bytes.subarray(at));
        expect(joined(read(pieces))).toEqual(joined(expected as Seen[]));
      }),
    );
  });

  it('of an unknown type, or with a text that is too long, are refused', () => {
    expect(() => read([Buffer.from([9, 0, 0, 0])])).toThrow(/no record/);
    expect(() => read([Buffer.from([RecordType.failed, 0xff, 0xff, 0xff])])).toThrow(/no record/);
    expect(() => read([Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')])).toThrow(/no record/);
  });

  it('never make the reader fail otherwise, no matter what comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (pieces) => {
        try {
          read(pieces);
        } catch (error) {
          expect((error as Error).message).toMatch(/no record/);
        }
      }),
    );
  });
});

/** Data that stands side by side. */
function joined(seen: readonly Seen[]): Seen[] {
  const all: Seen[] = [];
  for (const [type, text] of seen) {
    const last = all.at(-1);
    if (type === RecordType.data && last?.[0] === type) last[1] += text;
    else all.push([type, text]);
  }
  return all;
}
