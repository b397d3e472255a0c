import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { join, zeros } from '../../src/bytes.js';
import type { FakeClock } from '../../src/testing/fake-clock.js';
import { deafReceiver, type Transport, type TransportReceiver } from '../../src/transport.js';

export interface SlowPathOptions {
  /** Bytes per ms, in each direction. */
  readonly rate: number;
  /** From one end to the other, ms, beside the time that the bytes take. */
  readonly latency: number;
  /** What the system takes at once, bytes: only more than that shows as backlog. */
  readonly systemBuffer: number;
}

/** How often the path moves something on, ms. */
const STEP = 10;

/** One end of a path that carries so many bytes in a time, and each of them late. */
export class SlowPath implements Transport {
  receiver: TransportReceiver = deafReceiver;
  readonly #clock: FakeClock;
  readonly #options: SlowPathOptions;
  #peer: SlowPath | undefined;
  #queue: Uint8Array = zeros(0);
  #isMoving = false;
  #isOpen = true;

  private constructor(clock: FakeClock, options: SlowPathOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  static pair(clock: FakeClock, options: SlowPathOptions): [SlowPath, SlowPath] {
    const [a, b] = [new SlowPath(clock, options), new SlowPath(clock, options)];
    a.#peer = b;
    b.#peer = a;
    return [a, b];
  }

  get backlog(): number {
    return Math.max(0, this.#queue.length - this.#options.systemBuffer);
  }

  send(parts: readonly Uint8Array[]): void {
    if (!this.#isOpen) return;
    this.#queue = join([this.#queue, ...parts]);
    if (!this.#isMoving) this.#move();
  }

  close(code: number, reason: string): void {
    for (const end of [this, this.#peer]) {
      if (end === undefined || !end.#isOpen) continue;
      end.#isOpen = false;
      end.receiver.onClose(code, reason);
    }
  }

  terminate(): void {
    this.close(1006, 'terminated');
  }

  #move(): void {
    this.#isMoving = this.#queue.length > 0 && this.#isOpen;
    if (!this.#isMoving) return;
    this.#clock.setTimer(() => {
      const hadBacklog = this.backlog > 0;
      const bytes = bytesOf(this.#queue.subarray(0, this.#options.rate * STEP));
      this.#queue = this.#queue.subarray(bytes.length);
      this.#clock.setTimer(() => this.#peer?.receiver.onBytes(bytes), this.#options.latency);
      if (hadBacklog || this.#queue.length === 0) this.receiver.onDrain();
      this.#move();
    }, STEP);
  }
}
