import type { Clock } from 'wsproxy-engine';
import type { Destination, ExchangeStart, ExchangeWatcher, Watcher } from '../watcher.js';
import { Exchange, type Keeper, type Message } from './exchange.js';
import { ownText } from './own-memory.js';

/** The last exchanges that were watched, bounded in number and memory. */
export class Exchanges implements Watcher {
  readonly #clock: Clock;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #passed: PassedThrough[] = [];
  readonly #listeners = new Set<ExchangesListener>();
  readonly #most: Bounds;
  readonly #keeper: Keeper;
  #lastId = 0;
  #held = 0;
  #left = 0;

  constructor(clock: Clock, most: Bounds = MOST) {
    this.#clock = clock;
    this.#most = most;
    this.#keeper = {
      onHold: (change) => {
        this.#held += change;
      },
      onChange: (exchange) => {
        // Only here: nothing is dropped while it takes something in.
        this.#makeRoom();
        if (!exchange.isGone) this.#tell((listener) => listener.onChange?.(exchange));
      },
      onMessage: (exchange, message) => this.#tell((listener) => listener.onMessage?.(exchange, message)),
      onOver: (exchange) => this.#tell((listener) => listener.onOver?.(exchange)),
    };
  }

  /** Bytes of memory. */
  get held(): number {
    return this.#held;
  }

  /** How many went to make room. */
  get left(): number {
    return this.#left;
  }

  get passed(): readonly PassedThrough[] {
    return this.#passed;
  }

  /** Oldest first. */
  all(): IterableIterator<Exchange> {
    return this.#exchanges.values();
  }

  find(id: number): Exchange | undefined {
    return this.#exchanges.get(id);
  }

  onExchange(start: ExchangeStart): ExchangeWatcher {
    this.#lastId += 1;
    const exchange = new Exchange(this.#lastId, start, this.#clock, this.#keeper);
    this.#exchanges.set(exchange.id, exchange);
    this.#makeRoom();
    this.#tell((listener) => listener.onChange?.(exchange));
    return exchange;
  }

  onPassedThrough({ host, port }: Destination, reason: string): void {
    const entry = { at: this.#clock.wallTime(), host, port, reason: ownText(reason, MOST_REASON) };
    this.#passed.push(entry);
    if (this.#passed.length > MOST_PASSED) this.#passed.shift();
    this.#tell((listener) => {
      listener.onPassedThrough?.(entry);
      listener.onPassedChange?.();
    });
  }

  /** Forgets all; what lives is told no more. */
  clear(): void {
    for (const exchange of this.#exchanges.values()) this.#remove(exchange);
    this.#left = 0;
    this.clearPassed();
  }

  /** Forgets what was not looked into. */
  clearPassed(): void {
    this.#passed.length = 0;
    this.#tell((listener) => listener.onPassedChange?.());
  }

  /** Until the function that it returns is called. */
  listen(listener: ExchangesListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The oldest go, those that are over first: what lives is what one looks at. */
  #makeRoom(): void {
    while (this.#exchanges.size > 1 && (this.#held > this.#most.bytes || this.#exchanges.size > this.#most.exchanges)) {
      const oldest = this.#oldest();
      if (oldest === undefined) return;
      this.#left += 1;
      this.#remove(oldest);
    }
  }

  #oldest(): Exchange | undefined {
    let looked = 0;
    let first: Exchange | undefined;
    for (const exchange of this.#exchanges.values()) {
      if (exchange.isOver) return exchange;
      first ??= exchange;
      // A look at all of them each time would take long where most live.
      if (++looked === LOOKS) break;
    }
    return first;
  }

  #remove(exchange: Exchange): void {
    this.#exchanges.delete(exchange.id);
    if (!exchange.isOver) this.#tell((listener) => listener.onGone?.(exchange));
    exchange.drop();
  }

  #tell(call: (listener: ExchangesListener) => void): void {
    for (const listener of this.#listeners) call(listener);
  }
}

/** Is told what becomes of exchanges. */
export interface ExchangesListener {
  /** Of each change, however small. */
  onChange?(exchange: Exchange): void;
  onMessage?(exchange: Exchange, message: Message): void;
  /** Nothing more comes of it. */
  onOver?(exchange: Exchange): void;
  /** One that lives is about to be dropped; what it keeps is there while this runs. */
  onGone?(exchange: Exchange): void;
  onPassedThrough?(entry: PassedThrough): void;
  /** Of what was not looked into there is more, or nothing any more. */
  onPassedChange?(): void;
}

/** What was not looked into. */
export interface PassedThrough extends Destination {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
}

export interface Bounds {
  readonly exchanges: number;
  readonly bytes: number;
}

const MOST: Bounds = { exchanges: 2_000, bytes: 67_108_864 };
const MOST_PASSED = 200;
const MOST_REASON = 1_024;
const LOOKS = 64;
