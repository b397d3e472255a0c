import { copyOf, join } from './bytes.js';
import { deafReceiver, type Transport, type TransportReceiver } from './transport.js';

/**
 * One end of a transport that never leaves the process. What is sent waits until it is delivered to the other end: by anyone who
 * has made the pair, in any slices, or by itself.
 */
export class MemoryTransport implements Transport {
  receiver: TransportReceiver = deafReceiver;
  /** How the local side closed it, if it did. */
  closedWith: { code: number; reason: string } | undefined;

  #peer: MemoryTransport | undefined;
  readonly #later: ((deliver: () => void) => void) | undefined;
  #outgoing: Uint8Array[] = [];
  #backlog = 0;
  #isOpen = true;

  private constructor(later: ((deliver: () => void) => void) | undefined) {
    this.#later = later;
  }

  /** Two ends that are each other's peer. They deliver when `later` calls back, such as `setImmediate`; without it, never. */
  static pair(later?: (deliver: () => void) => void): [MemoryTransport, MemoryTransport] {
    const [a, b] = [new MemoryTransport(later), new MemoryTransport(later)];
    a.#peer = b;
    b.#peer = a;
    return [a, b];
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Bytes sent and not delivered yet. */
  get backlog(): number {
    return this.#backlog;
  }

  send(parts: readonly Uint8Array[]): void {
    if (!this.#isOpen) return;
    if (this.#outgoing.length === 0) this.#later?.(this.#deliverParts);
    this.#outgoing.push(...parts);
    for (const { length } of parts) this.#backlog += length;
  }

  /** Brings up to `limit` bytes to the peer, as one chunk of their own; false when there were none. */
  deliver(limit: number = Number.POSITIVE_INFINITY): boolean {
    const bytes = join(this.#take());
    if (bytes.length === 0) return false;
    const [now, rest] = [bytes.subarray(0, limit), bytes.subarray(limit)];
    if (rest.length > 0) this.#outgoing.push(rest);
    this.#backlog = rest.length;
    this.#peer?.receiver.onBytes(copyOf(now));
    this.receiver.onDrain();
    return true;
  }

  /** Brings everything to the peer as it was sent: nothing is copied. */
  readonly #deliverParts = (): void => {
    for (const part of this.#take()) this.#peer?.receiver.onBytes(part);
    if (this.#isOpen) this.receiver.onDrain();
  };

  #take(): Uint8Array[] {
    this.#backlog = 0;
    return this.#outgoing.splice(0);
  }

  close(code: number, reason: string): void {
    this.closedWith ??= { code, reason };
    while (this.deliver());
    this.#end(code, reason);
  }

  terminate(): void {
    this.#end(1006, 'terminated');
  }

  /** The network fails: what was under way is lost, both ends learn of it. */
  cut(): void {
    this.#end(1006, 'connection lost');
  }

  #end(code: number, reason: string): void {
    for (const end of [this, this.#peer]) {
      if (end === undefined || !end.#isOpen) continue;
      end.#isOpen = false;
      end.#take();
      end.receiver.onClose(code, reason);
    }
  }
}
