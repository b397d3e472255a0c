import type { Channel } from '../../../packages/engine/src/channel/channel.js';
import type { ChannelSink, OpenHandler } from '../../../packages/engine/src/channel/handlers.js';
import type { FailureCode } from '../../../packages/engine/src/failures.js';
import { isEqual } from './bytes.js';
import { pattern } from './pattern.js';
import type { Random } from './random.js';

/**
 * One end of a channel in a simulation: writes the pattern of its key, checks every byte that comes against the other
 * end's, and throws at anything that must not happen. What must have happened in the end is for `checkAgainst`.
 */
export class Speaker implements ChannelSink, OpenHandler {
  channel: Channel | undefined;
  isStarted = false;
  isStopped = false;

  written = 0;
  hasEnded = false;
  /** How this end killed the channel, if it did while the channel lived. */
  killed: 'reset' | 'after data' | 'refused' | undefined;

  read = 0;
  opened = false;
  failure: FailureCode | undefined;
  sawEnd = false;
  sawReset: FailureCode | undefined;

  readonly #name: string;
  readonly #key: number;
  readonly #otherKey: number;
  #unread = 0;

  constructor(name: string, key: number, otherKey: number) {
    this.#name = name;
    this.#key = key;
    this.#otherKey = otherKey;
  }

  /** Nothing more will come of this end. */
  get isOver(): boolean {
    if (this.killed === 'reset' || this.killed === 'refused') return true;
    return this.failure !== undefined || this.sawReset !== undefined || (this.hasEnded && this.sawEnd);
  }

  get mayWrite(): boolean {
    return this.channel?.state.dead === false && !this.hasEnded && this.killed === undefined;
  }

  start(): void {
    if (this.isStarted || this.channel === undefined) return;
    this.isStarted = true;
    this.channel.start(this);
  }

  write(length: number): void {
    if (!this.mayWrite) return;
    this.channel?.write(pattern(this.#key, this.written, length));
    this.written += length;
  }

  end(): void {
    if (!this.mayWrite) return;
    this.hasEnded = true;
    this.channel?.end();
  }

  /** `afterData`: as when a source was reset, rather than given up. */
  reset(afterData: boolean): void {
    if (this.channel === undefined || this.channel.state.dead || this.isOver || this.killed !== undefined) return;
    this.killed = afterData ? 'after data' : 'reset';
    // An end that was not sent yet never will be.
    this.hasEnded = this.channel.state.sending === 'ended';
    if (afterData) this.channel.end('CONNECTION_RESET');
    else this.channel.reset('TIMED_OUT');
  }

  goOn(): void {
    this.isStopped = false;
    const bytes = this.#unread;
    this.#unread = 0;
    if (bytes > 0) this.channel?.consumed(bytes);
  }

  /** Does one thing or another by chance: writes so many bytes at most, resets with a chance of `resets`. */
  act(random: Random, write: number, resets: number): void {
    if (random.chance(resets)) return this.reset(random.chance(0.5));
    const kind = random.below(20);
    if (kind < 12) this.write(1 + random.below(1 + random.below(write)));
    else if (kind < 13) this.end();
    else if (kind < 15) this.isStopped = true;
    else if (kind < 18) this.goOn();
    else this.start();
  }

  /** What the two ends of a channel must have seen of each other; `lost` when the session was closed under them. */
  checkAgainst(other: Speaker, lost: boolean): void {
    if (this.read > other.written) this.#complain(`read ${this.read} of ${other.written}`);
    if (this.sawEnd) {
      if (!other.hasEnded) this.#complain('saw an end that nobody made');
      if (this.read !== other.written) this.#complain(`saw an end after ${this.read} of ${other.written}`);
    }
    // Two resets may cross each other; then neither side hears of the other's.
    if (lost || this.killed !== undefined) return;
    if (other.killed === 'refused' || (other.killed !== undefined && !this.opened)) {
      if (this.failure === undefined && this.sawReset === undefined) this.#complain('was not told of a refusal');
      return;
    }
    if (other.killed === undefined && (this.sawReset !== undefined || this.failure !== undefined)) {
      this.#complain(`saw ${this.sawReset ?? this.failure}, which nobody made`);
    }
    if (other.killed !== undefined && this.sawReset === undefined && !(this.sawEnd && this.hasEnded)) {
      this.#complain('was not told of a reset');
    }
    if (other.killed === 'after data' && this.read !== other.written) {
      this.#complain(`was reset after ${this.read} of ${other.written}`);
    }
    if (other.killed === undefined && !this.sawEnd) this.#complain('saw no end');
  }

  onOpen(): void {
    this.#expectAlive('open');
    if (this.opened) this.#complain('was opened twice');
    this.opened = true;
  }

  onFail(code: FailureCode): void {
    this.#expectAlive('fail');
    if (this.opened) this.#complain('failed after it was opened');
    this.failure = code;
  }

  onData(chunk: Uint8Array): void {
    this.#expectAlive('data');
    if (this.sawEnd) this.#complain('got data after the end');
    if (chunk.length === 0) this.#complain('got an empty chunk');
    if (!isEqual(chunk, pattern(this.#otherKey, this.read, chunk.length))) {
      this.#complain(`got wrong bytes between ${this.read} and ${this.read + chunk.length}`);
    }
    this.read += chunk.length;
    if (this.isStopped) this.#unread += chunk.length;
    else this.channel?.consumed(chunk.length);
  }

  onEnd(): void {
    this.#expectAlive('an end');
    if (this.sawEnd) this.#complain('got two ends');
    this.sawEnd = true;
  }

  onReset(code: FailureCode): void {
    this.#expectAlive('a reset');
    this.sawReset = code;
  }

  onWritable(): void {
    this.#expectAlive('onWritable');
  }

  #expectAlive(what: string): void {
    if (this.failure !== undefined || this.sawReset !== undefined) this.#complain(`got ${what} after its reset`);
    if (this.killed === 'reset' || this.killed === 'refused') this.#complain(`got ${what} after it was given up`);
  }

  #complain(what: string): never {
    throw new Error(`${this.#name} ${what}`);
  }
}
