import { join } from '../../../packages/engine/src/bytes.js';
import type { FrameSink } from '../../../packages/engine/src/frame/decode.js';
import { bytesOf } from './bytes.js';
import type { PlainFrame } from './oracle-codec.js';

/** Puts the pieces of DATA and LONG_DATA frames together again, and keeps them too. */
export class CollectingSink implements FrameSink {
  readonly frames: PlainFrame[] = [];
  /** Every call of onData, in order. */
  readonly pieces: { channel: number; length: number; last: boolean }[] = [];
  #partial: Uint8Array[] = [];

  onFrame(type: number, channel: number, payload: Uint8Array): void {
    this.frames.push({ type, channel, payload: bytesOf(payload) });
  }

  onData(channel: number, piece: Uint8Array, last: boolean, type: number): void {
    this.pieces.push({ channel, length: piece.length, last });
    this.#partial.push(bytesOf(piece));
    if (!last) return;
    this.frames.push({ type, channel, payload: join(this.#partial) });
    this.#partial = [];
  }
}
