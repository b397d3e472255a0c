import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Clock } from 'wsproxy-engine';
import { formatHanded, parseHanded } from '../cluster/handed.js';
import { userOf } from '../cluster/inner-door.js';
import { StoreError, TICKET_TIME, type TicketKeeper } from '../store/store.js';
import { TicketMemory } from '../store/ticket-memory.js';
import type { UserDirectory } from '../users/directory.js';
import type { User } from '../users/user.js';
import { TicketError } from './ticket-error.js';

/** Tickets: each lets its user in once, in place of the token, from the origin that it was made for. */
export class Tickets {
  readonly #options: TicketsOptions;
  readonly #own: TicketKeeper;
  /** Tells the tickets of this process from those of others. */
  readonly #maker = randomUUID();
  /** Of tickets made here, and of endings: which was first. A clock that is set back would not know. */
  #turn = 0;
  /** Users all of whose sessions have ended: tickets of before are good no more. The one longest ago first. */
  readonly #ended = new Map<string, Ending>();

  constructor(options: TicketsOptions) {
    this.#options = options;
    this.#own = new TicketMemory(options.clock);
  }

  /** As `Server.createTicket`. */
  async create(user: User, { origin }: TicketOptions = {}): Promise<Ticket> {
    const { allowOrigins, clock } = this.#options;
    if (origin !== undefined && !allowOrigins.includes(origin)) throw new TicketError('FOREIGN_ORIGIN');
    const ticket = randomBytes(32).toString('base64url');
    const digest = digestOf(ticket);
    const made: Made = { maker: this.#maker, turn: ++this.#turn, wallTime: clock.wallTime() };
    const claim: Claim = { handed: this.#handed(user), origin: origin ?? '', made };
    const value = JSON.stringify({ ...claim, seal: this.#seal(digest, claim) });
    if (value.length > LONGEST_VALUE) throw new TicketError('USER_TOO_LARGE');
    try {
      if (await this.#keeper.addTicket({ digest, user: user.id, value })) return { ticket, expiresInMs: TICKET_TIME };
    } catch (error) {
      throw error instanceof StoreError ? new TicketError('STORE_AWAY', { cause: error }) : error;
    }
    throw new TicketError('TOO_MANY_TICKETS');
  }

  /** Whose ticket it was, which nobody can spend any more; undefined for one that is good for nothing. Rejects with a StoreError. */
  async spend(ticket: string, origin: string = ''): Promise<User | undefined> {
    const digest = digestOf(ticket);
    const claim = readClaim(await this.#keeper.spendTicket(digest));
    if (claim === undefined || claim.origin !== origin) return undefined;
    if (!areEqual(claim.seal, this.#seal(digest, claim))) return undefined;
    const handed = parseHanded(claim.handed);
    if (handed === undefined || this.#isEnded(handed.user.id, claim.made)) return undefined;
    const { directory, clock } = this.#options;
    return userOf(handed, directory, clock);
  }

  /** Every session of the user ends: none begins with a ticket of before. */
  endThoseOf(userId: string): void {
    const { clock } = this.#options;
    this.#forgetOld();
    this.#ended.delete(userId);
    this.#ended.set(userId, { turn: ++this.#turn, wallTime: clock.wallTime(), at: clock.now() });
  }

  /** Tickets of other processes are compared by the clocks. */
  #isEnded(userId: string, { maker, turn, wallTime }: Made): boolean {
    this.#forgetOld();
    const ending = this.#ended.get(userId);
    if (ending === undefined) return false;
    return maker === this.#maker ? turn < ending.turn : wallTime <= ending.wallTime;
  }

  #forgetOld(): void {
    const now = this.#options.clock.now();
    for (const [user, { at }] of this.#ended) {
      if (now - at < FORGOTTEN_AFTER) return;
      this.#ended.delete(user);
    }
  }

  get #keeper(): TicketKeeper {
    return this.#options.shared() ?? this.#own;
  }

  /** As a request of the user is handed on. */
  #handed(user: User): string {
    const { directory } = this.#options;
    if (directory === undefined) return formatWhole(user);
    const known = directory.present(user) ?? directory.withId(user.id);
    if (known === undefined) throw new TicketError('UNKNOWN_USER');
    return formatHanded({ user: directory.nameOf(known), from: {} });
  }

  /** Anyone who writes into the store makes no ticket by that: it takes the digest of a token. Without a directory there is none. */
  #seal(digest: string, { handed, origin, made }: Claim): string {
    const user = parseHanded(handed)?.user;
    const { directory } = this.#options;
    if (user === undefined || directory === undefined) return '';
    return directory.seal(user, JSON.stringify([digest, handed, origin, made.maker, made.turn, made.wallTime]));
  }
}

export interface TicketsOptions {
  /** Undefined where `authenticate` makes users. */
  readonly directory: UserDirectory | undefined;
  readonly allowOrigins: readonly string[];
  readonly clock: Pick<Clock, 'now' | 'wallTime'>;
  /** What keeps them for several processes; undefined while this is the only one. */
  readonly shared: () => TicketKeeper | undefined;
}

export interface TicketOptions {
  /** The page that spends it, such as `https://example.org`; default: none, so that a program spends it, which sends no Origin. */
  readonly origin?: string | undefined;
}

export interface Ticket {
  /** 43 letters, digits, `-` and `_`; behind `ticket.` it stands in the list of subprotocols. */
  readonly ticket: string;
  /** How long it is good, ms. */
  readonly expiresInMs: number;
}

/** What is kept with a ticket. */
interface Claim {
  readonly handed: string;
  /** Empty when no page may spend it. */
  readonly origin: string;
  readonly made: Made;
}

interface Made {
  /** The process that has made it. */
  readonly maker: string;
  readonly turn: number;
  /** By the clock of that process, ms. */
  readonly wallTime: number;
}

interface Ending {
  readonly turn: number;
  readonly wallTime: number;
  /** By the clock that is never set, ms. */
  readonly at: number;
}

/** Characters: a user with many rules, and no more. */
const LONGEST_VALUE = 8_192;
/** Longer than any ticket is good, ms. */
const FORGOTTEN_AFTER = 2 * TICKET_TIME;

function formatWhole(user: User): string {
  try {
    return formatHanded({ user: { id: user.id, token: '' }, whole: user, from: {} });
  } catch (error) {
    throw new TicketError('USER_TOO_LARGE', { cause: error });
  }
}

function readClaim(value: string | undefined): (Claim & { readonly seal: string }) | undefined {
  if (value === undefined) return undefined;
  try {
    const { handed, origin, made, seal } = JSON.parse(value) as Record<string, unknown>;
    const isRight = [handed, origin, seal].every((each) => typeof each === 'string') && isMade(made);
    return isRight ? ({ handed, origin, made, seal } as Claim & { seal: string }) : undefined;
  } catch {
    // Anyone who writes into the store may write anything.
    return undefined;
  }
}

function isMade(made: unknown): made is Made {
  const { maker, turn, wallTime } = (made ?? {}) as Record<string, unknown>;
  return typeof maker === 'string' && typeof turn === 'number' && typeof wallTime === 'number';
}

function areEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function digestOf(ticket: string): string {
  return createHash('sha256').update(ticket).digest('hex');
}
