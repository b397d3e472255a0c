import type { Writable } from 'node:stream';
import type { SlabPool } from 'wsproxy-engine';
import { RecordKind, recordHead } from './records.js';

/** Records in the body of one message, which has no end until there is nothing to say any more. */
export class StreamOutlet {
  readonly #message: Writable;
  readonly #memory: SlabPool;
  readonly #onDrain: () => void;
  /** What was written and has not left; each as the memory was kept for it. */
  readonly #leaving: Uint8Array[][] = [];

  /** Its errors are the caller's business. */
  constructor(message: Writable, memory: SlabPool, onDrain: () => void) {
    this.#message = message;
    this.#memory = memory;
    this.#onDrain = onDrain;
    message.once('close', () => this.#letGo());
  }

  get backlog(): number {
    return this.#message.writableLength;
  }

  send(parts: readonly Uint8Array[]): void {
    const kept = parts.map((part) => this.#memory.keep(part));
    const length = kept.reduce((sum, part) => sum + part.length, 0);
    const message = this.#message;
    this.#leaving.push(kept);
    message.cork();
    message.write(recordHead(RecordKind.bytes, length));
    for (const part of kept.slice(0, -1)) message.write(part);
    message.write(kept.at(-1), this.#onWritten);
    message.uncork();
  }

  /** A record that means no bytes. */
  say(record: Uint8Array): void {
    this.#message.write(record);
  }

  end(last: Uint8Array, onLeft: () => void): void {
    this.#message.end(last, onLeft);
  }

  readonly #onWritten = (error?: Error | null): void => {
    // What fails is needed until the connection is closed: the system may still read it.
    if (error) return;
    this.#release(this.#leaving.shift());
    this.#onDrain();
  };

  #letGo(): void {
    for (const parts of this.#leaving.splice(0)) this.#release(parts);
  }

  #release(parts: readonly Uint8Array[] = []): void {
    for (const part of parts) this.#memory.release(part);
  }
}
