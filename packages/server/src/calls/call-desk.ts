import type { Duplex } from 'node:stream';
import { Capability, type Carried, type Channel, type Clock, type FailureCode, type Timer } from 'wsproxy-engine';
import type { CalledSession } from './called-session.js';
import type { ClientStream } from './client-stream.js';
import { type OpenErrorCode, openError } from './open-error.js';
import { type CallService, ServedCall } from './served-call.js';

/** Opens channels to services of clients, in the session of a user that has a client that takes them. */
export class CallDesk {
  readonly #options: CallDeskOptions;
  /** Those that nobody has taken yet, by their user. */
  readonly #pending = new Map<string, Set<PendingCall>>();
  #isClosed = false;

  constructor(options: CallDeskOptions) {
    this.#options = options;
  }

  /** As `Server.open`. */
  open(user: string, service: string, options: OpenOptions = {}): Promise<Duplex> {
    return this.#begin({ user, service, allowHalfOpen: options.allowHalfOpen ?? false, isForOthers: false }, options);
  }

  #begin(wish: CallWish, { signal, timeout = DEFAULT_TIMEOUT }: OpenOptions): Promise<Duplex> {
    const { user, service } = wish;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#isClosed) return Promise.reject(openError('SERVER_CLOSED', user, service));
    return new Promise((resolve, reject) => {
      const { clock } = this.#options;
      const onAbort = (): void => call.end(() => reject(signal?.reason));
      const call = new PendingCall(this.#options, wish, (settle) => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        this.#forget(user, call);
        if ('stream' in settle) resolve(settle.stream);
        else if ('code' in settle) reject(openError(settle.code, user, service));
      });
      const timer = clock.setTimer(() => call.timeOut(), timeout);
      signal?.addEventListener('abort', onAbort);
      const theirs = this.#pending.get(user) ?? new Set();
      this.#pending.set(user, theirs.add(call));
      // Anyone who calls when a session begins comes before that has agreed on anything.
      clock.defer(() => call.seek());
    });
  }

  /** As `open`, for another process: asks those who are connected here, and does not wait. Rejects with `TUNNEL_DOWN` when one is away. */
  openHere(user: string, service: string, signal: AbortSignal): Promise<ClientStream> {
    return this.#begin({ user, service, allowHalfOpen: true, isForOthers: true }, { signal }) as Promise<ClientStream>;
  }

  /** A session of `user` has begun, or has a transport again, or is over, here or elsewhere: calls that wait look again. */
  onChange(user: string): void {
    const theirs = this.#pending.get(user);
    if (theirs !== undefined) this.#options.clock.defer(() => this.#seek(theirs));
  }

  /** A session of `user` is over, and its client has never heard of `unsent`: the calls among these are made elsewhere. */
  retry(user: string, unsent: readonly Carried[]): void {
    for (const call of this.#pending.get(user) ?? []) call.retry(unsent);
  }

  /** Nobody is called any more. */
  close(): void {
    this.#isClosed = true;
    for (const theirs of [...this.#pending.values()]) for (const call of [...theirs]) call.fail('SERVER_CLOSED');
  }

  #seek(calls: ReadonlySet<PendingCall>): void {
    for (const call of [...calls]) call.lookAgain();
  }

  #forget(user: string, call: PendingCall): void {
    const theirs = this.#pending.get(user);
    theirs?.delete(call);
    if (theirs?.size === 0) this.#pending.delete(user);
  }
}

/** One `open`, until it is settled. It asks one session after the other, and waits for those whose client is away. */
class PendingCall {
  readonly #options: CallDeskOptions;
  readonly #wish: CallWish;
  readonly #onSettled: (settled: Settled) => void;
  /** Sessions whose client has said no, and what. */
  readonly #refusals = new Map<CalledSession | 'elsewhere', FailureCode>();
  /** Under way in one of them. */
  #asked: { readonly call: ServedCall; readonly channel: Channel | undefined } | undefined;
  /** Other processes are being asked. */
  #isElsewhere = false;
  /** What came of that; undefined when they are to be asked. */
  #elsewhere: Absent | undefined;
  /** Until they are asked again. */
  #timer: Timer | undefined;
  #over: AbortController | undefined;
  #isSettled = false;

  constructor(options: CallDeskOptions, wish: CallWish, onSettled: (settled: Settled) => void) {
    this.#options = options;
    this.#wish = wish;
    this.#onSettled = onSettled;
  }

  /** Asks the next session, if it asks none. */
  seek(): void {
    if (this.#isSettled || this.#asked !== undefined || this.#isElsewhere) return;
    const sessions = this.#options.sessionsOf(this.#wish.user);
    const left = sessions.filter((one) => !this.#refusals.has(one) && !isEarlier(one));
    const next = left.findLast(({ session }) => session.attached && session.terms.has(Capability.calls));
    if (next !== undefined) return this.#ask(next);
    // One that is away may come back; until then it waits here, so no session has it, and the first that comes takes it.
    const isAway = left.length > 0;
    if (this.#wish.isForOthers) return this.fail(isAway ? 'TUNNEL_DOWN' : (this.#refusal ?? noneOf(sessions)));
    const openElsewhere = this.#options.elsewhere?.();
    if (this.#elsewhere === undefined && openElsewhere !== undefined) return this.#askElsewhere(openElsewhere);
    if (!isAway && this.#elsewhere !== 'away') return this.fail(this.#refusal ?? noneOf(sessions));
    if (openElsewhere !== undefined) this.#timer ??= this.#options.clock.setTimer(() => this.lookAgain(), PAUSE);
  }

  /** The same, also elsewhere. */
  lookAgain(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#elsewhere = undefined;
    this.seek();
  }

  get #refusal(): FailureCode | undefined {
    return [...this.#refusals.values()].at(-1);
  }

  #ask(session: CalledSession): void {
    const { service, allowHalfOpen } = this.#wish;
    const call: ServedCall = new ServedCall(this.#options.service, session, service, {
      allowHalfOpen,
      onOpen: (stream) => {
        this.#asked = undefined;
        this.#settle({ stream });
      },
      onFail: (code) => {
        this.#asked = undefined;
        if (!movesOn(code)) return this.fail(code);
        this.#refusals.set(session, code);
        this.seek();
      },
    });
    const channel = call.begin();
    if (!this.#isSettled) this.#asked = { call, channel };
  }

  /** The session is over that it was asked in: if no client has heard of it, another one is asked. */
  retry(unsent: readonly Carried[]): void {
    const asked = this.#asked;
    if (asked?.channel === undefined || !unsent.includes(asked.channel)) return;
    this.#asked = undefined;
    asked.call.giveUp();
  }

  timeOut(): void {
    const isAsked = this.#asked !== undefined || this.#isElsewhere;
    this.fail(isAsked ? 'TIMED_OUT' : (this.#refusal ?? 'NOT_CONNECTED'));
  }

  fail(code: OpenErrorCode): void {
    this.#settle({ code });
  }

  /** Nobody waits for it any more; `tell` says so. */
  end(tell: () => void): void {
    if (this.#isSettled) return;
    this.#settle({ ended: true });
    tell();
  }

  #askElsewhere(openElsewhere: OpenElsewhere): void {
    this.#over ??= new AbortController();
    const { signal } = this.#over;
    this.#isElsewhere = true;
    // What keeps it from asking is the same as a no.
    void openElsewhere(this.#wish, signal)
      .catch((): Found => 'nobody')
      .then((found) => this.#onElsewhere(found));
  }

  #onElsewhere(found: Found): void {
    this.#isElsewhere = false;
    if (typeof found === 'object') {
      if (this.#isSettled) found.destroy();
      else this.#settle({ stream: found });
      return;
    }
    if (found === 'away' || found === 'nobody') this.#elsewhere = found;
    else if (!movesOn(found)) return this.fail(found);
    else {
      this.#elsewhere = 'nobody';
      this.#refusals.set('elsewhere', found);
    }
    this.seek();
  }

  #settle(settled: Settled): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#timer?.cancel();
    this.#over?.abort();
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.call.giveUp();
    this.#onSettled(settled);
  }
}

/** Its client is there, and knows of no calls: that will not change. */
function isEarlier({ session }: CalledSession): boolean {
  return session.attached && !session.terms.has(Capability.calls);
}

/** No of one client is not no of the next one. */
export function movesOn(code: FailureCode): boolean {
  return MOVES_ON.has(code);
}

const MOVES_ON: ReadonlySet<FailureCode> = new Set(['DENIED', 'UNSUPPORTED', 'GOING_AWAY']);

function noneOf({ length }: readonly unknown[]): OpenErrorCode {
  return length === 0 ? 'NOT_CONNECTED' : 'UNSUPPORTED';
}

/** Whom to call. */
export interface CallWish {
  readonly user: string;
  readonly service: string;
  readonly allowHalfOpen: boolean;
  /** Another process waits for it, which asks further. */
  readonly isForOthers: boolean;
}

/** What came of asking other processes: a client has taken it, or said no; or none has a session of the user, or one whose client is away. */
export type Found = Duplex | FailureCode | Absent;

type Absent = 'away' | 'nobody';

/** `ended`: anyone who has asked wants to hear nothing. */
type Settled = { readonly stream: Duplex } | { readonly code: OpenErrorCode } | { readonly ended: true };

export interface OpenOptions {
  /** Gives up: the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long to wait for a client that is away, and for its answer, ms. Default 30 s. A user of whom there is no session at all is not
   * waited for.
   */
  readonly timeout?: number | undefined;
  /** As of `net.connect`, default false: the own half ends when the client has ended its half. */
  readonly allowHalfOpen?: boolean | undefined;
}

export interface CallDeskOptions {
  readonly clock: Clock;
  readonly service: CallService;
  /** Sessions of a user, oldest first. */
  readonly sessionsOf: (user: string) => CalledSession[];
  /** Asks other processes that may have a session of the user; undefined where there are none, as there are by default. */
  readonly elsewhere?: () => OpenElsewhere | undefined;
}

export type OpenElsewhere = (wish: CallWish, signal: AbortSignal) => Promise<Found>;

const DEFAULT_TIMEOUT = 30_000;
/** Between two looks at other processes, ms. */
const PAUSE = 2_000;
