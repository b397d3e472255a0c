import type { Duplex } from 'node:stream';
import { Capability, type Carried, type Channel, type Clock, type FailureCode } from 'wsproxy-engine';
import type { CalledSession } from './called-session.js';
import { type OpenErrorCode, openError } from './open-error.js';
import { type CallService, ServedCall } from './served-call.js';

/** Opens channels to services of clients, in whichever session of a user has a client that takes them. */
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
    const { signal, timeout = DEFAULT_TIMEOUT, allowHalfOpen = false } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#isClosed) return Promise.reject(openError('SERVER_CLOSED', user, service));
    return new Promise((resolve, reject) => {
      const { clock } = this.#options;
      const onAbort = (): void => call.end(() => reject(signal?.reason));
      const call = new PendingCall(this.#options, { user, service, allowHalfOpen }, (settle) => {
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
      // Whoever calls when a session begins comes before that has agreed on anything.
      clock.defer(() => call.seek());
    });
  }

  /** A session of `user` has begun, or has a transport again, or is over: calls that wait look again. */
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
    for (const call of [...calls]) call.seek();
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
  readonly #refusals = new Map<CalledSession, FailureCode>();
  /** Under way in one of them. */
  #asked: { readonly call: ServedCall; readonly channel: Channel | undefined } | undefined;
  /** Other processes were asked, and have not answered; and they have said no: they are asked once. */
  #isElsewhere = false;
  #isNowhereElse = false;
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
    if (!this.#isNowhereElse && this.#options.openElsewhere !== undefined) return this.#askElsewhere();
    // One that is away may come back; until then it waits here, so no session has it, and the first that comes takes it.
    if (left.length > 0) return;
    this.fail(this.#refusal ?? (sessions.length === 0 ? 'NOT_CONNECTED' : 'UNSUPPORTED'));
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
        if (!MOVES_ON.has(code)) return this.fail(code);
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

  #askElsewhere(): void {
    const { user, service } = this.#wish;
    this.#isElsewhere = true;
    const goOn = (stream: Duplex | undefined): void => {
      this.#isElsewhere = false;
      this.#isNowhereElse = true;
      if (stream === undefined) return this.seek();
      if (this.#isSettled) return void stream.destroy();
      this.#settle({ stream });
    };
    // What keeps it from asking is the same as a no.
    this.#options.openElsewhere?.(user, service).then(goOn, () => goOn(undefined));
  }

  #settle(settled: Settled): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
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
const MOVES_ON: ReadonlySet<FailureCode> = new Set(['DENIED', 'UNSUPPORTED', 'GOING_AWAY']);

/** Whom to call. */
interface CallWish {
  readonly user: string;
  readonly service: string;
  readonly allowHalfOpen: boolean;
}

/** `ended`: whoever has asked wants to hear nothing. */
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
  /** Asks other processes, of which the user may have a session; undefined: none of them has. Default: there are none. */
  readonly openElsewhere?: ((user: string, service: string) => Promise<Duplex | undefined>) | undefined;
}

const DEFAULT_TIMEOUT = 30_000;
