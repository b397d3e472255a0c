import type { FrameSink } from '../../src/frame/decode.js';
import { FrameType } from '../../src/frame/frame.js';
import type { PlainFrame } from './oracle-codec.js';

/** Puts the pieces of DATA frames together again, and keeps them too. */
export class CollectingSink implements FrameSink {
  readonly frames: PlainFrame[] = [];
  /** Every call of onData, in order. */
  readonly pieces: { channel: number; length: number; last: boolean }[] = [];
  #partial: Buffer[] = [];

  onFrame(type: number, channel: number, payload: Buffer): void {
    this.frames.push({ type, channel, payload: Buffer.from(payload) });
  }

  onData(channel: number, piece: Buffer, last: boolean): void {
    this.pieces.push({ channel, length: piece.length, last });
    this.#partial.push(Buffer.from(piece));
    if (!last) return;
    this.frames.push({ type: FrameType.data, channel, payload: Buffer.concat(this.#partial) });
    this.#partial = [];
  }
}
