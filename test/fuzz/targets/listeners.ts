import { deepEqual, ok } from 'node:assert/strict';
import { ProtocolError } from '../../../packages/engine/src/errors.js';
import { PAYLOAD_LIMITS } from '../../../packages/engine/src/frame/frame.js';
import {
  decodeIncoming,
  decodeListen,
  decodeListening,
  encodeIncoming,
  encodeListen,
  encodeListening,
} from '../../../packages/engine/src/frame/listen.js';
import type { Target } from '../target.js';

/** What is said of remote listeners: the type of a frame, and its payload. */
export const listeners: Target = {
  name: 'listeners',
  run(input) {
    const codec = CODECS[input[0] ?? 0];
    const [min, max] = PAYLOAD_LIMITS[input[0] ?? 0] ?? [0, 0];
    const payload = input.subarray(1);
    // Others are refused before they are read.
    if (codec === undefined || payload.length < min || payload.length > max) return;
    const value = decode(codec, payload);
    if (value === undefined) return;
    const again = codec.encode(value);
    ok(again !== undefined && again.length <= max, 'what was understood can be said');
    deepEqual(codec.decode(again), value, 'and means the same');
    if (codec.isExact) deepEqual([...again], [...payload], 'by the same bytes');
  },
};

interface Codec<T> {
  decode(payload: Uint8Array): T | undefined;
  encode(value: T): Uint8Array | undefined;
  /** There is one spelling. */
  readonly isExact: boolean;
}

/** By their types. */
const CODECS: Readonly<Record<number, Codec<unknown>>> = {
  7: { decode: decodeListen, encode: encodeListen, isExact: true } as Codec<unknown>,
  8: { decode: decodeListening, encode: encodeListening, isExact: true } as Codec<unknown>,
  // Names may be spelt in capitals, or with a dot behind them.
  10: { decode: decodeIncoming, encode: encodeIncoming, isExact: false } as Codec<unknown>,
};

function decode<T>(codec: Codec<T>, payload: Uint8Array): T | undefined {
  try {
    return codec.decode(payload);
  } catch (error) {
    ok(error instanceof ProtocolError, `only a protocol error is thrown, not ${error}`);
    return undefined;
  }
}
