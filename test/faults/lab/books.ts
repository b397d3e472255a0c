import type { Ending } from 'wsproxy-test-support/sockets/application';
import type { Receiver, Witness } from 'wsproxy-test-support/traffic';
import { ByteLedger } from './byte-ledger.js';
import type { History } from './history.js';

interface Account {
  readonly ledger: ByteLedger;
  readonly length: number;
}

/** Of all bytes that were to arrive, but for those whose receiver was told by a reset; `resets` are connections that applications or destinations saw reset. */
export interface Balance {
  bytes: number;
  lost: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  resets: number;
}

/** Looks at every byte that arrives anywhere, and at how every direction ends. */
export class Books implements Witness {
  readonly #history: History;
  readonly #accounts = new Map<string, Account>();
  readonly #closed: Balance = { bytes: 0, lost: 0, duplicated: 0, reordered: 0, corrupted: 0, resets: 0 };
  readonly #early: string[] = [];
  #lastByte = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /** When a byte last arrived anywhere. */
  get lastByte(): number {
    return this.#lastByte;
  }

  /** Directions that ended as if complete, and were not. */
  get early(): readonly string[] {
    return this.#early;
  }

  /** Nothing more is to arrive. */
  get isComplete(): boolean {
    return this.#accounts.size === 0;
  }

  receive(seed: string, length: number): Receiver {
    const ledger = new ByteLedger(seed);
    this.#accounts.set(seed, { ledger, length });
    this.#history.note('begin', { seed, length });
    const push = (chunk: Buffer): void => {
      this.#lastByte = performance.now();
      ledger.push(chunk);
    };
    return {
      get length() {
        return ledger.length;
      },
      push,
    };
  }

  /** More than this was to arrive. */
  isShort(seed: string, bytes: number): boolean {
    return bytes < (this.#accounts.get(seed)?.length ?? 0);
  }

  ended(seed: string, { by, bytes }: Ending): void {
    this.#history.note('end', { seed, by, bytes });
    const account = this.#accounts.get(seed);
    if (account !== undefined) add(this.#closed, account);
    if (by === 'end' && this.isShort(seed, bytes)) this.#early.push(seed);
    if (by === 'reset') {
      this.#closed.resets += 1;
      // Who was reset has been told that the rest is missing; only a hole in what came before is a loss in silence.
      if (account !== undefined) this.#closed.lost -= account.ledger.lost(account.length) - account.ledger.holes;
    }
    this.#accounts.delete(seed);
  }

  balance(): Balance {
    const sum = { ...this.#closed };
    for (const account of this.#accounts.values()) add(sum, account);
    return sum;
  }
}

function add(sum: Balance, { ledger, length }: Account): void {
  sum.bytes += ledger.length;
  sum.lost += ledger.lost(length);
  sum.duplicated += ledger.duplicated;
  sum.reordered += ledger.reordered;
  sum.corrupted += ledger.corrupted;
}
