import { join } from '../../../packages/engine/src/bytes.js';
import { deafReceiver, type Transport, type TransportReceiver } from '../../../packages/engine/src/transport.js';

/**
 * One end of a network connection with the vices of real ones: what is under way may still arrive after either side has
 * let go, both sides learn of a loss at different times, and a WebSocket delivers after it was terminated.
 */
class SimEnd implements Transport {
  receiver: TransportReceiver = deafReceiver;
  /** Bytes under way to the other end. */
  outgoing: Uint8Array[] = [];
  /** No more is taken from the local side. */
  isDone = false;
  /** How the other side will learn of the end, once that gets through. */
  farewell: { code: number; reason: string } | undefined;

  get backlog(): number {
    let bytes = 0;
    for (const part of this.outgoing) bytes += part.length;
    return bytes;
  }

  send(parts: readonly Uint8Array[]): void {
    if (!this.isDone) this.outgoing.push(...parts);
  }

  close(code: number, reason: string): void {
    if (this.isDone) return;
    this.isDone = true;
    this.farewell = { code, reason };
  }

  terminate(): void {
    this.close(1006, 'terminated');
  }
}

/** Client end 0, server end 1; a direction has the number of the end that sends. */
export class SimLink {
  readonly ends: readonly [SimEnd, SimEnd] = [new SimEnd(), new SimEnd()];
  /** Nothing arrives any more, and nobody is told. */
  isStalled = false;
  readonly #told = [false, false];

  /** Both sides know that it is over. */
  get isOver(): boolean {
    return this.#told[0] === true && this.#told[1] === true;
  }

  /** Brings up to `limit` bytes to the other end, in one chunk; false when there was nothing to bring. */
  deliver(direction: 0 | 1, limit: number): boolean {
    const from = this.ends[direction];
    const to = this.ends[direction === 0 ? 1 : 0];
    if (this.isStalled) return false;
    if (from.outgoing.length === 0) return this.#tell(direction);
    const bytes = join(from.outgoing);
    const chunk = bytes.subarray(0, limit);
    from.outgoing = chunk.length < bytes.length ? [bytes.subarray(chunk.length)] : [];
    to.receiver.onBytes(chunk);
    if (!from.isDone) from.receiver.onDrain();
    return true;
  }

  /** It is over, and the client does not know yet. */
  get isLostUnawares(): boolean {
    return this.ends[0].isDone && this.#told[1] === false;
  }

  /** A stall turns out to be a loss. */
  loseIfStalled(): void {
    if (!this.isStalled) return;
    this.isStalled = false;
    this.cut([0, 1]);
  }

  /** Loses what is under way in one direction or both; each side will learn of it when it is told, the client by `code`. */
  cut(directions: readonly (0 | 1)[], code = 1006): void {
    for (const direction of directions) this.ends[direction].outgoing = [];
    for (const [way, end] of this.ends.entries()) {
      end.isDone = true;
      end.farewell ??= { code: way === 1 ? code : 1006, reason: 'connection lost' };
    }
  }

  /** The side that receives in this direction learns that the other is gone, after the last byte. */
  #tell(direction: 0 | 1): boolean {
    const { farewell } = this.ends[direction];
    if (farewell === undefined || this.#told[direction]) return false;
    this.#told[direction] = true;
    const other = this.ends[direction === 0 ? 1 : 0];
    other.isDone = true;
    other.farewell ??= farewell;
    other.receiver.onClose(farewell.code, farewell.reason);
    return true;
  }
}
