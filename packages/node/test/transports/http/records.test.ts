import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  endRecord,
  padding,
  RecordKind,
  RecordReader,
  record,
  recordHead,
} from '../../../src/transports/http/records.js';

class Taker {
  readonly said: string[] = [];
  bytes = '';

  onBytes(bytes: Uint8Array): void {
    this.bytes += Buffer.from(bytes).toString('hex');
  }
  onHeard(what: number): void {
    this.said.push(`heard ${what} after ${this.bytes}`);
  }
  onEnd(code: number, reason: string): void {
    this.said.push(`end ${code} ${reason} after ${this.bytes}`);
  }
}

function read(...chunks: readonly Buffer[]): Taker & { reader: RecordReader } {
  const taker = new Taker();
  const reader = new RecordReader(taker);
  for (const chunk of chunks) reader.push(chunk);
  return Object.assign(taker, { reader });
}

describe('a record', () => {
  test('is the bytes of PROTOCOL.md', () => {
    expect(recordHead(RecordKind.bytes, 0x01_02_03).toString('hex')).toBe('00010203');
    expect(endRecord(1000, 'ok').toString('hex')).toBe('0100000403e86f6b');
    expect(padding(2).toString('hex')).toBe('020000020000');
    expect(record(RecordKind.heard, Buffer.of(1)).toString('hex')).toBe('0300000101');
  });

  test('has a reason of at most 123 bytes, and no half letter', () => {
    expect(endRecord(1000, 'é'.repeat(100)).length).toBe(4 + 2 + 122);
  });
});

describe('RecordReader', () => {
  test('reads the same, however the stream is cut', () => {
    const records = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }).map((bytes) => record(RecordKind.bytes, bytes)),
        fc.nat(30).map((length) => padding(length)),
        fc.nat(255).map((what) => record(RecordKind.heard, Buffer.of(what))),
        fc.uint8Array({ maxLength: 5 }).map((bytes) => record(200, bytes)),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(records, fc.array(fc.integer({ min: 1, max: 9 })), (all, sizes) => {
        const stream = Buffer.concat([...all, endRecord(4001, 'no é more')]);
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i] ?? stream.length;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const [cut, whole] = [read(...chunks), read(stream)];
        expect(cut.bytes).toBe(whole.bytes);
        expect(cut.said).toEqual(whole.said);
        expect(cut.said.at(-1)).toBe(`end 4001 no é more after ${whole.bytes}`);
        expect(cut.reader.isOver && cut.reader.isWhole).toBe(true);
      }),
    );
  });

  test('passes bytes on before their record is whole', () => {
    const { bytes, reader } = read(recordHead(RecordKind.bytes, 100), Buffer.from('abcd', 'hex'));
    expect(bytes).toBe('abcd');
    expect(reader.isWhole).toBe(false);
  });

  test('reads nothing behind the end', () => {
    const taker = read(endRecord(1000, ''), record(RecordKind.bytes, Buffer.from('x')));
    expect(taker.bytes).toBe('');
  });

  test.each([
    ['an end without a code', recordHead(RecordKind.end, 1)],
    ['an end with a reason too long', recordHead(RecordKind.end, 126)],
    ['a heard that does not say what', recordHead(RecordKind.heard, 0)],
  ])('refuses %s before it keeps any of it', (_, head) => {
    expect(() => read(head)).toThrow(RangeError);
  });
});
