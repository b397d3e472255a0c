import { zeros } from '../../src/bytes.js';
import type { Channel } from '../../src/channel/channel.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { SessionPair } from './session-pair.js';
import { SlowPath } from './slow-path.js';

/** 100 Mbit/s over 100 ms, without a queue that shows. */
const PATH = { rate: 12_500, latency: 50, systemBuffer: 4_194_304 };
const CHUNK = zeros(65_536);
const STEP = 5;
/** How long a source takes to give more once it is asked, ms. */
const READ_TIME = 0.2;

export interface CrowdOptions {
  /** Channels that are open and silent; each has said a byte, and heard one. */
  readonly idle: number;
  /** What the windows of all sessions of the server may hold together. */
  readonly windows?: MemoryBudget;
  /** What the idle ones have carried before, each way, bytes. */
  readonly past?: number;
}

/** Many channels that do nothing, and one that does what it can, on one session over an emulated path. */
export class Crowd {
  readonly pair: SessionPair;
  /** The most that was ever reserved of the windows, bytes. */
  peak = 0;
  readonly #windows: MemoryBudget;
  readonly #accepted: Channel[] = [];

  constructor({ idle, windows = new MemoryBudget(536_870_912), past = 1 }: CrowdOptions) {
    this.#windows = windows;
    const processBudgets = { windows, replay: new MemoryBudget(67_108_864) };
    this.pair = new SessionPair({ maxChannels: 20_000, processBudgets });
    this.pair.keeper.onChannel = (channel) => {
      channel.accept();
      this.#accepted.push(channel);
    };
    this.pair.join(...SlowPath.pair(this.pair.clock, PATH));
    const near = Array.from({ length: idle }, () => this.#open());
    for (const channel of near) {
      take(channel);
      channel.write(zeros(past));
    }
    this.#until(() => this.#accepted.length === idle);
    for (const channel of this.#accepted) {
      take(channel);
      channel.write(zeros(past));
    }
    this.#until(() => near.every(({ figures }) => figures.bytesReceived === past));
  }

  /** Time passes, ms. */
  wait(milliseconds: number): this {
    for (let passed = 0; passed < milliseconds; passed += STEP) this.#step();
    return this;
  }

  /** What one more channel carries `up` or down, bytes per ms, once it has had its ramp. */
  rate(way: 'up' | 'down', ramp = 2_000, time = 2_000): number {
    const near = this.#open();
    this.#until(() => this.#accepted.at(-1)?.id === near.id);
    const far = this.#accepted.at(-1) ?? near;
    const [from, to] = way === 'up' ? [near, far] : [far, near];
    const feed = (): void => {
      while (from.write(CHUNK));
    };
    take(to);
    // As a socket, which is read in another turn.
    take(from, () => this.pair.clock.setTimer(feed, READ_TIME));
    feed();
    this.wait(ramp);
    const before = to.figures.bytesReceived;
    this.wait(time);
    const rate = (to.figures.bytesReceived - before) / time;
    from.reset();
    return rate;
  }

  #open(): Channel {
    return this.pair.client.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
  }

  #until(condition: () => boolean): void {
    for (let step = 0; !condition(); step++) {
      if (step === 20_000) throw new Error('the condition was never met');
      this.#step();
    }
  }

  #step(): void {
    this.pair.clock.advance(STEP);
    this.peak = Math.max(this.peak, this.#windows.reserved);
  }
}

function take(channel: Channel, onWritable = (): void => {}): void {
  channel.start({ onData: ({ length }) => channel.consumed(length), onEnd() {}, onReset() {}, onWritable });
}
