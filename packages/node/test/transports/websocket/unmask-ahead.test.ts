import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ws from 'ws';
import { MaskRemover, unmaskAhead } from '../../../src/transports/websocket/unmask-ahead.js';

const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };

const MASKED = { fin: true, opcode: 2, rsv1: false, mask: true, readOnly: true };
const ZEROS = { ...MASKED, maskBuffer: Buffer.alloc(4), generateMask: () => {} };
const frameOf = (payload: Uint8Array, options: object): Buffer =>
  Buffer.concat(Sender.frame(Buffer.from(payload), options));

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_001).map((length) => new Uint8Array(length).fill(7)),
);

/** `bytes` in pieces of these lengths, each with memory of its own. */
function piecesOf(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  return [...pieces, Buffer.from(bytes.subarray(at))];
}

describe('what a client has masked', () => {
  test('is as if its masks were zeros, no matter how it arrives', () => {
    const lengths = fc.array(fc.nat({ max: 300 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 6 }), lengths, (payloads, cuts) => {
        const masks = new MaskRemover();
        const pieces = piecesOf(Buffer.concat(payloads.map((each) => frameOf(each, MASKED))), cuts);
        for (const piece of pieces) masks.removeFrom(piece);
        const expected = Buffer.concat(payloads.map((each) => frameOf(each, ZEROS)));
        expect(Buffer.concat(pieces).equals(expected)).toBe(true);
      }),
    );
  });

  test('stays as it is behind a frame without a mask', () => {
    const bytes = Buffer.concat([
      frameOf(Buffer.from('a'), { ...MASKED, mask: false }),
      frameOf(Buffer.from('b'), MASKED),
    ]);
    const chunk = Buffer.from(bytes);
    new MaskRemover().removeFrom(chunk);
    expect(chunk.equals(bytes)).toBe(true);
  });
});

describe('a connection', () => {
  test('has no masks for anyone who listens already', async () => {
    const connection = new PassThrough();
    const heard: Buffer[] = [];
    connection.on('data', (data: Buffer) => heard.push(data));
    unmaskAhead(connection);
    connection.end(frameOf(Buffer.from('hello'), MASKED));
    await new Promise((resolve) => connection.once('close', resolve));
    expect(Buffer.concat(heard)).toEqual(frameOf(Buffer.from('hello'), ZEROS));
  });

  test('that is closed with a half of a message unread brings nothing of it', async () => {
    const connection = new PassThrough();
    const bytes = frameOf(Buffer.from('hello'), MASKED);
    unmaskAhead(connection);
    connection.write(bytes.subarray(0, 8));
    await new Promise((resolve) => connection.once('data', resolve));
    connection.pause();
    connection.write(bytes.subarray(8));
    const rest = new Promise((resolve) => connection.once('close', () => resolve(connection.read())));
    connection.destroy();
    expect(await rest).toBeNull();
  });
});
