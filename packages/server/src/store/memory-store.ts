import type { Clock } from 'wsproxy-engine';
import { monthOf } from './month.js';
import {
  type Added,
  type Facts,
  granted,
  type Holding,
  isExclusive,
  type KeptTicket,
  LEASE,
  type OnNews,
  type ProcessFact,
  REVOCATIONS,
  type Revocation,
  type Revoked,
  type Store,
  StoreError,
  type Sum,
  type Want,
} from './store.js';
import { TicketMemory } from './ticket-memory.js';

/** What processes share, in the memory of one of them: the parent of workers. */
export class MemoryStore {
  /** Of all processes. */
  readonly tickets: TicketMemory;
  readonly #clock: Pick<Clock, 'now' | 'wallTime'>;
  readonly #leases = new Map<string, Lease>();
  /** Of those that are the same the last one, the oldest first. */
  readonly #revocations = new Map<string, Told>();
  readonly #watchers = new Map<string, OnNews>();
  #mark = 0;
  #month = '';
  /** Of the month, by user. */
  readonly #sums = new Map<string, number>();
  /** The same of each process, and within it by user. */
  readonly #sumsOf = new Map<string, Map<string, number>>();

  constructor(clock: Pick<Clock, 'now' | 'wallTime'>) {
    this.#clock = clock;
    this.tickets = new TicketMemory(clock);
  }

  /** The store as the process with this uid sees it. */
  enter(uid: string): Store {
    return new Entrance(this, uid);
  }

  /** The process has ended: what it held is free. */
  forget(uid: string): void {
    const { held } = this.#leases.get(uid) ?? NOTHING;
    this.#leases.delete(uid);
    this.#watchers.delete(uid);
    this.#sumsOf.delete(uid);
    this.#tellOf([...held.keys()]);
  }

  /** Bytes of this calendar month, of each user who has carried some: what a quota file keeps. */
  get bytesThisMonth(): ReadonlyMap<string, number> {
    return this.#month === monthOf(this.#clock.wallTime()) ? this.#sums : new Map();
  }

  /** Goes on where another process has stopped. */
  restore(bytesThisMonth: ReadonlyMap<string, number>): void {
    this.#beginMonth(monthOf(this.#clock.wallTime()));
    for (const [user, bytes] of bytesThisMonth) this.#sums.set(user, bytes);
  }

  add(uid: string, { node, address, holdings }: ProcessFact): Added {
    const known = this.#leaseOf(uid);
    const { held, lost } = known ?? NOTHING;
    const kept = [...held].filter(([key]) => holdings === undefined || isExclusive(key));
    const given = holdings?.map(({ key, held: count }) => [key, count] as const) ?? [];
    const until = this.#clock.now() + LEASE;
    this.#leases.set(uid, { until, node, address, held: new Map([...kept, ...given]), lost });
    return { isNew: known === undefined };
  }

  revoke(uid: string, { user, token }: Revocation): void {
    const key = `${token}:${user}:${uid}`;
    this.#mark += 1;
    this.#revocations.delete(key);
    this.#revocations.set(key, { mark: this.#mark, revoked: { user, token }, uid });
    for (const oldest of this.#revocations.keys()) {
      if (this.#revocations.size <= REVOCATIONS) break;
      this.#revocations.delete(oldest);
    }
    this.#tell([]);
  }

  take(uid: string, wants: readonly Want[]): number[] {
    const { held } = this.#expect(uid);
    const changed = new Set<string>();
    const counts = wants.map((want) => {
      const { key } = want;
      const own = held.get(key) ?? 0;
      if (want.over) this.#takeOver(uid, key);
      const count = granted(want, own, this.#sumOf(key) - own);
      if (count > 0) held.set(key, count);
      if (count !== own) changed.add(key);
      return count;
    });
    this.#tellOf([...changed]);
    return counts;
  }

  give(uid: string, holdings: readonly Holding[]): void {
    const lease = this.#expect(uid);
    const changed = holdings.filter(({ key, held }) => held !== (lease.held.get(key) ?? 0));
    for (const { key, held } of changed) {
      if (held > 0) lease.held.set(key, held);
      else lease.held.delete(key);
    }
    this.#tellOf(changed.map(({ key }) => key));
  }

  read(uid: string, mark: number = this.#mark): Facts {
    const fresh = [...this.#revocations.values()].filter((told) => told.mark > mark && told.uid !== uid);
    return {
      processes: [...this.#living()].map(([each, { node, address }]) => ({ uid: each, node, address })),
      revocations: fresh.map(({ revoked }) => revoked),
      mark: this.#mark,
      lost: this.#leaseOf(uid)?.lost ?? 0,
    };
  }

  find(keys: readonly string[]): string[][] {
    const living = [...this.#living()];
    return keys.map((key) => living.filter(([, { held }]) => (held.get(key) ?? 0) > 0).map(([uid]) => uid));
  }

  spend(uid: string, month: string, sums: readonly Sum[]): number[] {
    if (month > this.#month) this.#beginMonth(month);
    // Of a month that is over nothing is kept.
    if (month < this.#month) return sums.map(({ bytes }) => bytes);
    const own = this.#sumsOf.get(uid) ?? new Map<string, number>();
    this.#sumsOf.set(uid, own);
    return sums.map(({ user, bytes }) => {
      const more = Math.max(0, bytes - (own.get(user) ?? 0));
      const sum = (this.#sums.get(user) ?? 0) + more;
      if (more > 0) own.set(user, bytes);
      if (more > 0) this.#sums.set(user, sum);
      return sum;
    });
  }

  watch(uid: string, onNews: OnNews): void {
    this.#watchers.set(uid, onNews);
  }

  #takeOver(uid: string, key: string): void {
    for (const [other, lease] of this.#living()) if (other !== uid && lease.held.delete(key)) lease.lost += 1;
  }

  /** Of those among `keys` that are exclusive. */
  #tellOf(keys: readonly string[]): void {
    const changed = keys.filter(isExclusive);
    if (changed.length > 0) this.#tell(changed);
  }

  #tell(keys: readonly string[]): void {
    for (const onNews of this.#watchers.values()) onNews(keys);
  }

  #beginMonth(month: string): void {
    this.#month = month;
    this.#sums.clear();
    this.#sumsOf.clear();
  }

  #sumOf(key: string): number {
    let sum = 0;
    for (const [, { held }] of this.#living()) sum += held.get(key) ?? 0;
    return sum;
  }

  *#living(): Iterable<[string, Lease]> {
    for (const uid of this.#leases.keys()) {
      const lease = this.#leaseOf(uid);
      if (lease !== undefined) yield [uid, lease];
    }
  }

  #expect(uid: string): Lease {
    const lease = this.#leaseOf(uid);
    if (lease === undefined) throw new StoreError('lease', 'the lease of the process has ended');
    return lease;
  }

  #leaseOf(uid: string): Lease | undefined {
    const lease = this.#leases.get(uid);
    if (lease === undefined || this.#clock.now() < lease.until) return lease;
    this.#leases.delete(uid);
    return undefined;
  }
}

/** A revocation, and which process has told it. */
interface Told {
  readonly mark: number;
  readonly revoked: Revoked;
  readonly uid: string;
}

interface Lease {
  readonly until: number;
  readonly node: string;
  readonly address: string;
  /** By the key of the limit. */
  readonly held: Map<string, number>;
  lost: number;
}

const NOTHING: Pick<Lease, 'held' | 'lost'> = { held: new Map(), lost: 0 };

/** One process, and what it asks for. */
class Entrance implements Store {
  readonly #store: MemoryStore;
  readonly #uid: string;

  constructor(store: MemoryStore, uid: string) {
    this.#store = store;
    this.#uid = uid;
  }

  async add(fact: ProcessFact | Revocation): Promise<Added> {
    if (fact.kind === 'process') return this.#store.add(this.#uid, fact);
    this.#store.revoke(this.#uid, fact);
    return { isNew: false };
  }

  async take(wants: readonly Want[]): Promise<readonly number[]> {
    return this.#store.take(this.#uid, wants);
  }

  async give(holdings: readonly Holding[]): Promise<void> {
    this.#store.give(this.#uid, holdings);
  }

  async read(mark?: number): Promise<Facts> {
    return this.#store.read(this.#uid, mark);
  }

  async find(keys: readonly string[]): Promise<readonly (readonly string[])[]> {
    return this.#store.find(keys);
  }

  async spend(month: string, sums: readonly Sum[]): Promise<readonly number[]> {
    return this.#store.spend(this.#uid, month, sums);
  }

  addTicket(ticket: KeptTicket): Promise<boolean> {
    return this.#store.tickets.addTicket(ticket);
  }

  spendTicket(digest: string): Promise<string | undefined> {
    return this.#store.tickets.spendTicket(digest);
  }

  watch(onNews: OnNews): void {
    this.#store.watch(this.#uid, onNews);
  }

  async close(): Promise<void> {
    this.#store.forget(this.#uid);
  }
}
