import type { Clock, SlabPool } from 'wsproxy-engine';
import type { BodySize } from './body-size.js';
import { type ClientDown, DownPolls, DownStream } from './client-down.js';
import { ClientUp, type Lesson } from './client-up.js';
import type { Halves, HalvesHolder } from './http-transport.js';
import { Heard, RecordReader } from './records.js';
import type { Answer, Requests } from './requests.js';

/** What the requests of a client carry, and their answers bring. */
export class ClientHalves implements Halves {
  holder!: HalvesHolder;
  readonly #requests: Requests;
  readonly #up: ClientUp;
  readonly #down: ClientDown;
  readonly #onOpen: () => void;

  /** `answer`: to the request that opens the transport. */
  constructor(answer: Answer, options: ClientHalvesOptions) {
    const { requests, down, onOpen } = options;
    this.#requests = requests;
    this.#onOpen = onOpen;
    const onLost = (reason: string): void => this.holder.onLost(reason);
    this.#up = new ClientUp({ ...options, onDrain: () => this.holder.onDrain(), onLost });
    const reader = new RecordReader({
      onBytes: (bytes) => this.holder.onBytes(bytes),
      onHeard: (what) => this.holder.onHeard(what),
      onEnd: (code, reason) => this.holder.onEnd(code, reason),
    });
    this.#down = down === 'poll' ? new DownPolls(requests, reader, onLost) : new DownStream(answer, reader, onLost);
    if (down !== 'poll') return;
    const { body } = answer;
    body.once('end', onOpen);
    body.once('error', () => onLost('the first answer was cut'));
    body.resume();
  }

  get backlog(): number {
    return this.#up.backlog;
  }

  send(parts: readonly Uint8Array[]): void {
    this.#up.send(parts);
  }

  end(last: Uint8Array, onLeft: () => void): void {
    this.#up.end(last, onLeft);
  }

  onHeard(what: number): void {
    if (what === Heard.open) this.#onOpen();
    else if (what === Heard.stream) this.#up.onHeard();
  }

  giveWay(): void {
    this.#down.giveWay();
  }

  destroy(): void {
    this.#up.destroy();
    this.#requests.destroy();
  }
}

export interface ClientHalvesOptions {
  readonly requests: Requests;
  readonly memory: SlabPool;
  readonly clock: Pick<Clock, 'now' | 'setTimer' | 'deferPastInput'>;
  readonly down: 'stream' | 'poll';
  readonly pieceSize: BodySize;
  readonly patience: number;
  /** The way down passes what is small. */
  readonly onOpen: () => void;
  readonly onLearnt: (lesson: Lesson) => void;
}
