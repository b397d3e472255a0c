import type { Clock } from 'wsproxy-engine';
import { RateBucket } from '../limits/rate-bucket.js';

/** Lines that may come at once, and each second in the long run: 17 MB a day at most. */
const BURST = 100;
const PER_SECOND = 1;

/** Logs what peers cause as often as they like: of a flood only some lines, with how many there were besides, or it would fill the disk. */
export class FloodLog {
  readonly #write: (fields: object, message: string) => void;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #bucket: RateBucket;
  #unlogged = 0;

  constructor(write: (fields: object, message: string) => void, clock: Pick<Clock, 'now'>) {
    this.#write = write;
    this.#clock = clock;
    this.#bucket = RateBucket.ofOnes(PER_SECOND, BURST);
  }

  write(fields: object, message: string): void {
    if (!this.#bucket.take(1, this.#clock.now())) {
      this.#unlogged += 1;
      return;
    }
    this.#write(this.#unlogged === 0 ? fields : { ...fields, unlogged: this.#unlogged }, message);
    this.#unlogged = 0;
  }
}
