import type { Clock } from 'wsproxy-engine';
import { RateBucket } from '../limits/rate-bucket.js';
import { patternsOf } from './host-name.js';
import type { NameKind } from './name-directory.js';
import type { NameOwner } from './name-owner.js';
import { isKeyOfName, keyOfName } from './shared-names.js';

/**
 * Finds which other process holds a host name. What it was told is believed for some seconds, or until there is news. Strangers choose
 * the names that are asked for, so only so many are looked up; beyond that what was known counts on, and what was not is unknown.
 */
export class NamesElsewhere<Process extends { readonly uid: string }> implements OtherNames {
  readonly #options: NamesElsewhereOptions<Process>;
  /** Names that processes hold, each by itself: as many as users are given. What strangers make up costs them nothing. */
  readonly #held = new Shelf<Process>();
  /** All others. */
  readonly #others = new Shelf<Process>();
  /** By process, kind and pattern: connections to one are kept by it. */
  readonly #owners = new Map<string, NameOwner>();
  /** Which news has told of a key last; news before `#allChanged` may have told of any. */
  readonly #changed = new Map<string, News>();
  /** Told of the next news. */
  readonly #waiting = new Set<() => void>();
  #news = 0;
  #allChanged = 0;

  constructor(options: NamesElsewhereOptions<Process>) {
    this.#options = options;
  }

  /** Anyone who takes what comes for a canonical name in another process, and the pattern by which that holds it: the closest one. */
  readonly find: FindElsewhere = async (kind, name, closestHere) => {
    const holder = await this.#lookUntilThere(name, closestHere);
    if (typeof holder === 'string') return holder;
    const { process, pattern } = holder;
    const key = `${process.uid} ${kind} ${pattern}`;
    const owner = this.#owners.get(key) ?? this.#options.ownerAt(process, kind);
    put(this.#owners, key, owner);
    return { owner, pattern };
  };

  /** Other processes, or none, hold these keys now. Users cause as many news as they like: each costs little, no matter what is known. */
  onNews(keys: readonly string[]): void {
    const names = keys.filter(isKeyOfName);
    if (names.length === 0) return;
    this.#news += 1;
    const news = { number: this.#news, at: this.#options.clock.now() };
    for (const key of names) this.#changed.set(key, news);
    if (this.#changed.size > REMEMBERED) {
      this.#changed.clear();
      this.#allChanged = this.#news;
    }
    for (const wake of [...this.#waiting]) wake();
  }

  /** What is known of a name is not so any more. */
  doubt(name: string): void {
    for (const { known } of [this.#held, this.#others]) {
      const doubted = known.get(name);
      if (doubted !== undefined) doubted.until = 0;
    }
  }

  /** A process that gives a name up mostly does so since another one is about to have it: nobody is sent away, or elsewhere, meanwhile. */
  async #lookUntilThere(name: string, closestHere: () => string | undefined): Promise<Answer<Process>> {
    for (;;) {
      const before = this.#news;
      const answer = await this.#look(name);
      const time = this.#timeToMove(name, [closestHere(), typeof answer === 'string' ? undefined : answer.pattern]);
      if (time <= 0 || answer === 'unknown') return answer;
      if (this.#news === before) await this.#nextNews(time);
    }
  }

  /** How long somebody may still take a pattern that is closer than `held`, ms: there was news of it a moment ago. */
  #timeToMove(name: string, held: readonly (string | undefined)[]): number {
    const patterns = patternsOf(name);
    const closest = patterns.findIndex((pattern) => held.includes(pattern));
    const closer = closest === -1 ? patterns : patterns.slice(0, closest);
    const last = Math.max(...closer.map((pattern) => this.#changed.get(keyOfName(pattern))?.at ?? -TIME_TO_MOVE));
    return last + TIME_TO_MOVE - this.#options.clock.now();
  }

  #nextNews(time: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#options.clock.setTimer(wake, time);
      this.#waiting.add(wake);
    });
  }

  #look(name: string): Promise<Answer<Process>> {
    const now = this.#options.clock.now();
    const shelf = this.#held.known.has(name) ? this.#held : this.#others;
    const known = shelf.known.get(name);
    if (known !== undefined && now < known.until && !this.#hasChanged(name, known)) return known.answer;
    if (!shelf.lookups.take(1, now)) return known?.answer ?? UNKNOWN;
    // While the store is away, what was known counts on.
    const answer = this.#ask(name).catch(() => known?.answer ?? UNKNOWN);
    const asked: Known<Process> = { answer, until: now + BELIEVED, news: this.#news };
    put(shelf.known, name, asked);
    void answer.then((found) => this.#sort(name, asked, isHeldBy(found, name) ? this.#held : this.#others));
    return answer;
  }

  /** Puts what was found where it belongs. */
  #sort(name: string, found: Known<Process>, shelf: Shelf<Process>): void {
    const other = shelf === this.#held ? this.#others : this.#held;
    if (other.known.get(name) !== found) return;
    other.known.delete(name);
    put(shelf.known, name, found);
  }

  #hasChanged(name: string, { news }: Known<Process>): boolean {
    if (news === this.#news) return false;
    if (news < this.#allChanged) return true;
    return patternsOf(name).some((pattern) => (this.#changed.get(keyOfName(pattern))?.number ?? 0) > news);
  }

  async #ask(name: string): Promise<Answer<Process>> {
    const patterns = patternsOf(name);
    const found = await Promise.all(patterns.map((pattern) => this.#options.find(keyOfName(pattern))));
    const holders = patterns.flatMap((pattern, i) => (found[i] ?? []).map((process) => ({ process, pattern })));
    return holders[0] ?? 'nobody';
  }
}

/** Who takes what comes for a name in another process. */
interface NameElsewhere {
  readonly owner: NameOwner;
  readonly pattern: string;
}

/** `unknown`: some other process may hold it, or none. `closestHere`: the pattern of the name that this process holds. */
type FindElsewhere = (
  kind: NameKind,
  name: string,
  closestHere: () => string | undefined,
) => Promise<NameElsewhere | 'nobody' | 'unknown'>;

/** The names of other processes, as one that holds some itself needs them. */
export interface OtherNames {
  readonly find: FindElsewhere;
  onNews(keys: readonly string[]): void;
}

export interface NamesElsewhereOptions<Process> {
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  /** The other processes that hold a key, as the store says. */
  readonly find: (key: string) => Promise<readonly Process[]>;
  readonly ownerAt: (process: Process, kind: NameKind) => NameOwner;
}

/** What is known of some names, the one that was looked up last at the end, and how many of them may be looked up. */
class Shelf<Process> {
  readonly known = new Map<string, Known<Process>>();
  readonly lookups = RateBucket.ofOnes(LOOKUPS_PER_SECOND, LOOKUPS_PER_SECOND);
}

/** That a key has another holder, or none. */
interface News {
  readonly number: number;
  /** By the clock. */
  readonly at: number;
}

interface Known<Process> {
  readonly answer: Promise<Answer<Process>>;
  /** By the clock. */
  until: number;
  /** How many news there had been when it was asked. */
  readonly news: number;
}

type Answer<Process> = Holder<Process> | 'nobody' | 'unknown';

interface Holder<Process> {
  readonly process: Process;
  readonly pattern: string;
}

const UNKNOWN: Promise<'unknown'> = Promise.resolve('unknown');
/** What was looked up, ms. */
const BELIEVED = 3_000;
/** From one process to another, ms. */
const TIME_TO_MOVE = 2_000;
const LOOKUPS_PER_SECOND = 200;
/** Names of either kind, owners, and keys of which there was news, that are remembered. */
const REMEMBERED = 10_000;

function isHeldBy<Process>(answer: Answer<Process>, name: string): boolean {
  return typeof answer !== 'string' && answer.pattern === name;
}

function put<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= REMEMBERED) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
