import type { Clock, Logger } from 'wsproxy-engine';
import { type CallCounts, CountedStore } from './counted-store.js';
import { Exclusives } from './exclusives.js';
import { Finder } from './finder.js';
import { KnownNodes } from './known-nodes.js';
import { Places, type PlacesOptions } from './places.js';
import { Spending } from './spending.js';
import {
  type Facts,
  type KnownProcess,
  type OnNews,
  type Revoked,
  type Store,
  StoreError,
  type TicketKeeper,
} from './store.js';

/** All that this process shares with others by one store: places, what one has at a time, what users carry, who was revoked, who is there. */
export class Sharing {
  readonly places: Places;
  readonly spending: Spending;
  readonly exclusives: Exclusives;
  readonly #options: SharingOptions;
  readonly #store: CountedStore;
  /** Those that the store has yet to be told. */
  readonly #untold = new Map<string, Revoked>();
  readonly #nodes = new KnownNodes();
  readonly #finder: Finder;
  readonly #watchers: OnNews[] = [];
  readonly #onProcesses: ((processes: readonly KnownProcess[]) => void)[] = [];
  /** Since when the store is away, by the clock. */
  #awaySince: number | undefined;
  /** When each was logged last. */
  readonly #logged = new Map<string, number>();

  constructor(options: SharingOptions) {
    const { clock, self, away } = options;
    this.#options = options;
    const store = new CountedStore(options.store, clock);
    this.#store = store;
    this.#finder = new Finder(store);
    this.places = new Places({
      ...{ store, clock, self, away },
      onState: (error) => this.#onState(error),
      onFacts: (facts) => this.#onFacts(facts),
      onForgotten: () => this.exclusives.onForgotten(),
    });
    this.exclusives = new Exclusives({ store, clock, places: this.places });
    this.spending = new Spending({ store, clock });
    store.watch((keys) => this.#onNews(keys));
  }

  /** Resolves when the store has answered for the first time, or has not in time. */
  begin(): Promise<void> {
    return this.places.begin();
  }

  /** Every process is told, as soon as the store can be. */
  async revoke(revoked: readonly Revoked[]): Promise<void> {
    for (const each of revoked) this.#untold.set(keyOf(each), each);
    await this.#tell();
  }

  /** What others have not been told yet is nothing any more where `isBack`. */
  forgive(isBack: (revoked: Revoked) => boolean): void {
    for (const [key, revoked] of this.#untold) if (isBack(revoked)) this.#untold.delete(key);
  }

  /** Where the inner door of another node is, `host:port`. */
  addressOf(node: string): string | undefined {
    return this.#nodes.addressOf(node);
  }

  /** Which processes hold places of `key`, this one among them; rejects with a StoreError when the store is away. */
  find(key: string): Promise<readonly KnownProcess[]> {
    return this.#finder.find(key);
  }

  /** Tells who is there with each look, this process among them. */
  onProcesses(listener: (processes: readonly KnownProcess[]) => void): void {
    this.#onProcesses.push(listener);
  }

  /** Tells of news from now on, as the store does. */
  watch(onNews: OnNews): void {
    this.#watchers.push(onNews);
  }

  /** Tickets that any process may spend. */
  get tickets(): TicketKeeper {
    return this.#store;
  }

  get figures(): SharingFigures {
    return { isReached: this.places.isReached, held: this.places.held, calls: this.#store.counts };
  }

  async close(): Promise<void> {
    this.places.close();
    await this.spending.close();
    await this.#store.close();
  }

  async #tell(): Promise<void> {
    for (const [key, revoked] of this.#untold) {
      try {
        await this.#store.add({ kind: 'revocation', ...revoked });
      } catch (error) {
        if (error instanceof StoreError) return;
        throw error;
      }
      if (this.#untold.get(key) === revoked) this.#untold.delete(key);
    }
  }

  #onNews(keys: readonly string[]): void {
    if (keys.length === 0) this.places.look();
    else this.exclusives.onNews(keys);
    for (const onNews of this.#watchers) onNews(keys);
  }

  #onFacts(facts: Facts): void {
    const { processes, revocations } = facts;
    this.#nodes.update(processes);
    this.exclusives.onFacts(facts);
    this.#finder.update(processes);
    for (const listener of this.#onProcesses) listener(processes);
    this.#compareNames(processes);
    for (const revoked of revocations) this.#options.onRevoked(revoked);
    if (this.#untold.size > 0) void this.#tell();
  }

  /** Processes of one node have one address. */
  #compareNames(processes: readonly KnownProcess[]): void {
    const { node, address } = this.#options.self;
    const other = processes.find((each) => each.node === node && each.address !== address);
    if (other === undefined || !this.#mayLog('name')) return;
    const fields = { node, address, otherAddress: other.address };
    this.#options.logger.error(fields, 'another server has the same node name: give each its own with --node');
  }

  #onState(error: StoreError | undefined): void {
    const { clock, logger } = this.#options;
    const since = this.#awaySince;
    if (error !== undefined) {
      this.exclusives.onAway();
      this.#awaySince ??= clock.now();
      if (since === undefined && this.#mayLog('away')) {
        logger.warn({ reason: error.message }, `the store is away: sessions go on, and ${AWAY[this.#options.away]}`);
      }
    } else if (since !== undefined) {
      this.#awaySince = undefined;
      if (this.#mayLog('back')) logger.info({ awayMs: Math.round(clock.now() - since) }, 'the store is there again');
    }
  }

  #mayLog(what: string): boolean {
    const now = this.#options.clock.now();
    const last = this.#logged.get(what);
    if (last !== undefined && now - last < LOG_PAUSE) return false;
    this.#logged.set(what, now);
    return true;
  }
}

export interface SharingOptions extends Pick<PlacesOptions, 'store' | 'self' | 'away'> {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A user has lost access, as another process has told. */
  readonly onRevoked: (revoked: Revoked) => void;
}

/** For metrics to read. */
export interface SharingFigures {
  readonly isReached: boolean;
  /** Places that this process holds, by limit. */
  readonly held: ReadonlyMap<string, number>;
  readonly calls: CallCounts;
}

function keyOf({ user, token }: Revoked): string {
  return `${token}:${user}`;
}

const AWAY = {
  admit: 'this process lets in its part of each limit',
  refuse: 'nothing new is let in beyond what is held',
} as const;

/** Between two lines of one kind, ms. */
const LOG_PAUSE = 60_000;
