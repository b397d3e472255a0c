/**
 * What the processes of a server share, as one of them sees it. Nothing that carries a byte waits for it.
 *
 * Places (`take`, `give`) and what is added about the process itself live under its *lease*: the store forgets them `LEASE` ms
 * after the last `add`, by its own clock and no other. Anything that says how much, says it in all and not how much more: what is done
 * twice is done once. Of one process the calls of `add`, `take` and `give` come one after the other, and the store does them
 * in that order or not at all.
 *
 * A key that begins with `@` is exclusive: of something that only one process has at a time, by a limit of 1. Who has it is news.
 *
 * Each method settles within `DEADLINE` ms. It rejects with a StoreError and nothing else.
 */
export interface Store extends TicketKeeper {
  /**
   * Tells something. Of the process itself: its lease begins, or begins anew. Of a user: every process that looks afterwards
   * is told, and those who `watch` at once.
   */
  add(fact: ProcessFact | Revocation): Promise<Added>;
  /**
   * Takes places, and says for each want, in its order, how many of them the process holds now: never fewer than it held. The sum
   * over all processes is at most the limit, except for what was forced by `add`. Only by `over` a process loses what it held.
   */
  take(wants: readonly Want[]): Promise<readonly number[]>;
  /** From now on the process holds so many. */
  give(holdings: readonly Holding[]): Promise<void>;
  /** Who is there, and whom others have revoked after `mark`; without `mark` none of these. */
  read(mark?: number): Promise<Facts>;
  /** Which processes hold places of each of `keys`, in their order: each `uid` of a route, this one among them. */
  find(keys: readonly string[]): Promise<readonly (readonly string[])[]>;
  /**
   * Counts what the process has carried for users in a month, and says what all processes have, in the order of `sums`. What a process
   * has carried stays counted when it ends.
   */
  spend(month: string, sums: readonly Sum[]): Promise<readonly number[]>;
  /** `onNews` is called when there is something to read before anybody would look; it may be called without a reason, or not at all. */
  watch(onNews: OnNews): void;
  /** The process ends: what it holds is free at once if the store can still be told. */
  close(): Promise<void>;
}

/** Keeps tickets: of each it knows the digest alone, and forgets it after `TICKET_TIME`, by its own clock. */
export interface TicketKeeper {
  /** False, and nothing is kept, when there are too many of the user, or in all. */
  addTicket(ticket: KeptTicket): Promise<boolean>;
  /**
   * Removes a ticket and says what was kept with it, in one step: of those who spend it at the same instant one gets that. Undefined
   * when there is none.
   */
  spendTicket(digest: string): Promise<string | undefined>;
}

export interface KeptTicket {
  readonly digest: string;
  readonly user: string;
  /** All that is to be known of it; not empty. */
  readonly value: string;
}

/** How long a ticket is good, ms. */
export const TICKET_TIME = 30_000;
/** That are good at a time and not spent, of one user. */
export const TICKETS_PER_USER = 100;
/** The same, in all. */
export const TICKETS = 10_000;

/** `keys`: exclusive ones that another process has now, or nobody; none where it is something else. */
export type OnNews = (keys: readonly string[]) => void;

/** How long the store remembers a process that says nothing, ms. */
export const LEASE = 10_000;
/** Within which every call is over, ms. */
export const DEADLINE = 1_000;
/** How many revocations a store keeps: one who has not looked for so many has missed the first of them. */
export const REVOCATIONS = 10_000;

/** A process is there. */
export interface ProcessFact {
  readonly kind: 'process';
  /** The node that it is one of. */
  readonly node: string;
  /** Where the inner door of that node is, `host:port`; empty when it has none for others. */
  readonly address: string;
  /**
   * All that it holds, no matter what the limits say: given when the store may not know. Undefined: as the store knows it. Of exclusive keys
   * nothing is said, and nothing changes.
   */
  readonly holdings?: readonly Holding[] | undefined;
}

/** A user has lost access. */
export interface Revocation extends Revoked {
  readonly kind: 'revocation';
}

export interface Revoked {
  readonly user: string;
  /** Which token lets nobody in any more (`tagOf` its digest); empty when every session of the user ends, and the user may come again. */
  readonly token: string;
}

export interface Added {
  /** The store did not know the process: it holds nothing but what was given with it. */
  readonly isNew: boolean;
}

/** So many places of one limit. `key`: the limit, and the user if each has one, such as `channels/alice`. */
export interface Holding {
  readonly key: string;
  readonly held: number;
}

/** Places that are wanted of one limit. */
export interface Want {
  readonly key: string;
  /** So many have to be held in all. */
  readonly need: number;
  /** So many may be, if a quarter of the limit is free afterwards. */
  readonly wish: number;
  readonly limit: number;
  /** Others lose what they hold of it. Of exclusive keys alone. */
  readonly over?: boolean;
}

export interface Sum {
  readonly user: string;
  /** Bytes that this process has carried for the user in the month, in all. */
  readonly bytes: number;
}

export interface Facts {
  /** Every process whose lease runs, this one among them. */
  readonly processes: readonly KnownProcess[];
  /** Since `mark`, the first one first; of those that are the same the last one. */
  readonly revocations: readonly Revoked[];
  /** For the next `read`. */
  readonly mark: number;
  /** How many exclusive keys this process has lost to others since its lease began. */
  readonly lost: number;
}

export interface KnownProcess {
  /** `uid` of its route. */
  readonly uid: string;
  readonly node: string;
  readonly address: string;
}

/**
 * `away`: no answer in time, or one that says that it cannot; whether it was done is not known. `lease`: the store does not know the
 * process, and has done nothing; `add` comes first.
 */
export class StoreError extends Error {
  readonly code: 'away' | 'lease';

  constructor(code: 'away' | 'lease', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = 'StoreError';
  }
}

export function isExclusive(key: string): boolean {
  return key.startsWith('@');
}

/** How many places one who wants some holds afterwards, where others hold `others` and it holds `own`. */
export function granted({ need, wish, limit }: Want, own: number, others: number): number {
  const room = limit - others;
  const isFar = room - wish >= limit / 4;
  return Math.max(own, isFar ? wish : Math.min(need, room));
}
