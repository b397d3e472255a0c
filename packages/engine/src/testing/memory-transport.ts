import { copyOf, join } from '../bytes.js';
import { deafReceiver, type Transport, type TransportReceiver } from '../transport.js';

/** One end of a linked pair: what is sent waits until `deliver` brings it to the other end, in any slices. */
export class MemoryTransport implements Transport {
  receiver: TransportReceiver = deafReceiver;
  /** How the local side closed it, if it did. */
  closedWith: { code: number; reason: string } | undefined;

  #peer: MemoryTransport | undefined;
  #outgoing: Uint8Array[] = [];
  #isOpen = true;

  /** Two ends that are each other's peer. */
  static pair(): [MemoryTransport, MemoryTransport] {
    const a = new MemoryTransport();
    const b = new MemoryTransport();
    a.#peer = b;
    b.#peer = a;
    return [a, b];
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Bytes sent and not delivered yet. */
  get backlog(): number {
    return this.#outgoing.reduce((sum, part) => sum + part.length, 0);
  }

  send(parts: readonly Uint8Array[]): void {
    if (this.#isOpen) this.#outgoing.push(...parts);
  }

  /** Brings up to `limit` bytes to the peer, as one chunk; false when there were none. */
  deliver(limit: number = Number.POSITIVE_INFINITY): boolean {
    const bytes = join(this.#outgoing);
    if (bytes.length === 0) return false;
    const now = bytes.subarray(0, limit);
    this.#outgoing = now.length < bytes.length ? [bytes.subarray(now.length)] : [];
    this.#peer?.receiver.onBytes(copyOf(now));
    this.receiver.onDrain();
    return true;
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
      end.#outgoing = [];
      end.receiver.onClose(code, reason);
    }
  }
}
