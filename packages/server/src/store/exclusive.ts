import type { Pool } from './pool.js';
import type { Want } from './store.js';

/** Something that only one process has at a time, as this process has it, or wants it. */
export class Exclusive {
  readonly key: string;
  readonly #events: ExclusiveEvents;
  readonly #keeper: ExclusiveKeeper;
  #state: 'unwanted' | 'asked' | 'waiting' | 'had' = 'unwanted';
  /** It is had as far as this process knows by itself. */
  #isUnsure = false;
  #takesOver = false;
  #settle: (isHad: boolean) => void = () => {};
  #inLine: Promise<boolean> | undefined;

  constructor(key: string, events: ExclusiveEvents, keeper: ExclusiveKeeper) {
    this.key = key;
    this.#events = events;
    this.#keeper = keeper;
  }

  get isHad(): boolean {
    return this.#state === 'had';
  }

  get isWaiting(): boolean {
    return this.#state === 'waiting';
  }

  get isUnsure(): boolean {
    return this.#isUnsure;
  }

  /**
   * Whether this process has it from now on, though another one may have it at present if `over`. One call at a time. Nobody waits
   * for a store that is away.
   */
  take(over: boolean): Promise<boolean> {
    if (this.isHad) return Promise.resolve(true);
    this.#leaveLine();
    if (!this.#keeper.isReached) {
      this.#have(true);
      return Promise.resolve(true);
    }
    this.#state = 'asked';
    this.#takesOver = over;
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#keeper.call(this);
    });
  }

  /**
   * Stands by until another process gives it up: `onHad` follows then. `isInLine`: others see that, and may give it up for this. Again to
   * change that.
   */
  wait(isInLine: boolean = true): void {
    this.#state = 'waiting';
    if (isInLine) this.#inLine ??= Promise.resolve(this.#keeper.line.take(Number.MAX_SAFE_INTEGER));
    else this.#leaveLine();
    this.#keeper.call(this);
  }

  /** This process does not want it any more. */
  give(): void {
    this.#leaveLine();
    this.#state = 'unwanted';
    this.#isUnsure = false;
    this.#settle(false);
    this.#keeper.give(this);
  }

  /** Whether another process stands by, while this one has it; false while the store is away. */
  isAwaited(): Promise<boolean> {
    return this.#keeper.isAwaited(this);
  }

  /** The store may have given it to another process. */
  doubt(): void {
    this.#isUnsure = this.isHad;
  }

  /** What to ask the store for now, and what its answer changes. */
  ask(): Ask {
    const { key, isHad: wasHad } = this;
    const [over, settle] = [this.#takesOver, this.#settle];
    this.#takesOver = false;
    return {
      want: { key, need: 1, wish: 1, limit: 1, over },
      onAnswer: (isHad) => {
        if (this.#state === 'unwanted') return;
        if (isHad) this.#have(false);
        else if (wasHad) this.#lose();
        else if (this.#state === 'asked' && settle === this.#settle) {
          this.#state = 'unwanted';
          settle(false);
        }
      },
      onNoAnswer: () => {
        if (this.#state === 'asked' || this.isHad) this.#have(true);
      },
    };
  }

  #have(isUnsure: boolean): void {
    const { isWaiting } = this;
    this.#state = 'had';
    this.#isUnsure = isUnsure;
    this.#takesOver = false;
    this.#leaveLine();
    this.#settle(true);
    if (isWaiting) this.#events.onHad();
  }

  #lose(): void {
    if (!this.isHad) return;
    this.#state = 'unwanted';
    this.#isUnsure = false;
    this.#events.onLost();
  }

  #leaveLine(): void {
    const { line } = this.#keeper;
    void this.#inLine?.then((isIn) => {
      if (isIn) line.give();
    });
    this.#inLine = undefined;
  }
}

/** What becomes of it without this process having asked at that time. */
export interface ExclusiveEvents {
  /** This process has stood by for it, and has it. */
  onHad(): void;
  /** Another process has it. */
  onLost(): void;
}

export interface Ask {
  readonly want: Want;
  readonly onAnswer: (isHad: boolean) => void;
  /** The store is away. */
  readonly onNoAnswer: () => void;
}

/** Who asks the store for it. */
export interface ExclusiveKeeper {
  readonly isReached: boolean;
  /** Of those processes that stand by. */
  readonly line: Pick<Pool, 'take' | 'give'>;
  /** It has something to ask for. */
  call(exclusive: Exclusive): void;
  /** It is wanted no more. */
  give(exclusive: Exclusive): void;
  isAwaited(exclusive: Exclusive): Promise<boolean>;
}
