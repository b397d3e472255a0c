import { zeros } from '../../../packages/engine/src/bytes.js';
import { bytesOf } from './bytes.js';
/** A frame as the specification sees it. */
export interface PlainFrame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Uint8Array;
}

const HEADER = 8;
/** Its length has 24 bits, those of the flags among them. */
const LONG_DATA = 0x0b;

/** The codec once more, as plain as it can be: what the real one is compared with. */
export function encodePlain(frame: PlainFrame): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER + frame.payload.length));
  view.setUint8(0, frame.type);
  view.setUint8(1, frame.type === LONG_DATA ? frame.payload.length >>> 16 : 0);
  view.setUint16(2, frame.payload.length & 0xffff);
  view.setUint32(4, frame.channel);
  const bytes = bytesOf(new Uint8Array(view.buffer));
  bytes.set(frame.payload, HEADER);
  return bytes;
}

/** All whole frames at the beginning of `bytes`, and what is left. */
export function decodePlain(bytes: Uint8Array): { frames: PlainFrame[]; rest: Uint8Array } {
  const frames: PlainFrame[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER);
    const high = view.getUint8(0) === LONG_DATA ? view.getUint8(1) : 0;
    const end = at + HEADER + high * 65_536 + view.getUint16(2);
    if (end > bytes.length) break;
    const payload = bytesOf(bytes.subarray(at + HEADER, end));
    frames.push({ type: view.getUint8(0), channel: view.getUint32(4), payload });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** Integers of a payload, big-endian. */
export function u16(value: number): Uint8Array {
  return bytesOf([value >>> 8, value & 0xff]);
}

export function u32(value: number): Uint8Array {
  const bytes = zeros(4);
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, value);
  return bytes;
}

export function u64(value: number | bigint): Uint8Array {
  const bytes = zeros(8);
  new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(0, BigInt(value));
  return bytes;
}
