import type { Clock } from 'wsproxy-engine';
import { RateBucket } from '../limits/rate-bucket.js';
import { patternsOf } from './host-name.js';
import type { NameKind } from './name-directory.js';
import type { NameOwner } from './name-owner.js';
import { keyOfName } from './shared-names.js';

/**
 * Finds which other process holds a host name. What it was told is believed for some seconds, or until there is news. Strangers choose
 * the names that are asked for, so only so many are looked up; beyond that what was known counts on, and what was not is not there.
 */
export class NamesElsewhere<Process extends { readonly uid: string }> {
  readonly #options: NamesElsewhereOptions<Process>;
  /** By name, the one that was looked up last at the end. */
  readonly #known = new Map<string, Known<Process>>();
  /** By process, kind and pattern: connections to one are kept by it. */
  readonly #owners = new Map<string, NameOwner>();
  readonly #lookups = RateBucket.ofOnes(LOOKUPS_PER_SECOND, LOOKUPS_PER_SECOND);

  constructor(options: NamesElsewhereOptions<Process>) {
    this.#options = options;
  }

  /** Whoever takes what comes for a canonical name in another process, and the pattern by which that holds it: the closest one. */
  readonly find: FindElsewhere = async (kind, name) => {
    const holder = await this.#look(name);
    if (holder === undefined) return undefined;
    const { process, pattern } = holder;
    const key = `${process.uid} ${kind} ${pattern}`;
    const owner = this.#owners.get(key) ?? this.#options.ownerAt(process, kind);
    put(this.#owners, key, owner);
    return { owner, pattern };
  };

  /** Other processes, or none, hold these keys now. */
  onNews(keys: readonly string[]): void {
    const changed = new Set(keys);
    for (const [name, known] of this.#known) {
      if (patternsOf(name).some((pattern) => changed.has(keyOfName(pattern)))) known.until = 0;
    }
  }

  #look(name: string): Promise<Holder<Process> | undefined> {
    const { clock } = this.#options;
    const now = clock.now();
    const known = this.#known.get(name);
    if (known !== undefined && now < known.until) return known.holder;
    if (this.#lookups.waitFor(now) > 0) return known?.holder ?? NOBODY;
    this.#lookups.spend(1, now);
    // While the store is away, what was known counts on.
    const holder = this.#ask(name).catch(() => known?.holder);
    put(this.#known, name, { holder, until: now + BELIEVED });
    return holder;
  }

  async #ask(name: string): Promise<Holder<Process> | undefined> {
    const patterns = patternsOf(name);
    const found = await Promise.all(patterns.map((pattern) => this.#options.find(keyOfName(pattern))));
    return patterns.flatMap((pattern, i) => (found[i] ?? []).map((process) => ({ process, pattern })))[0];
  }
}

/** Who takes what comes for a name in another process. */
interface NameElsewhere {
  readonly owner: NameOwner;
  readonly pattern: string;
}

export type FindElsewhere = (kind: NameKind, name: string) => Promise<NameElsewhere | undefined>;

export interface NamesElsewhereOptions<Process> {
  readonly clock: Pick<Clock, 'now'>;
  /** The other processes that hold a key, as the store says. */
  readonly find: (key: string) => Promise<readonly Process[]>;
  readonly ownerAt: (process: Process, kind: NameKind) => NameOwner;
}

interface Known<Process> {
  readonly holder: Promise<Holder<Process> | undefined>;
  /** By the clock. */
  until: number;
}

interface Holder<Process> {
  readonly process: Process;
  readonly pattern: string;
}

const NOBODY = Promise.resolve(undefined);
/** What was looked up, ms. */
const BELIEVED = 3_000;
const LOOKUPS_PER_SECOND = 200;
/** Names, and owners, that are remembered. */
const REMEMBERED = 10_000;

function put<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= REMEMBERED) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
