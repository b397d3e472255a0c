import type { IncomingHttpHeaders } from 'node:http';
import { type Clock, HANDSHAKE_TIMEOUT, type Logger, type Timer, type Transport } from 'wsproxy-engine';
import { ProxyError } from 'wsproxy-node/dial/upstream';
import { type OpenTransport, openHttp, openWebSocket, RefusedError, type WayToServer } from 'wsproxy-node/transports';
import { ConnectError } from './connect-error.js';

/** What carries transports: WebSockets, ordinary requests of HTTP, or what gets through. */
export type TransportChoice = (typeof TRANSPORT_CHOICES)[number];
export const TRANSPORT_CHOICES = ['auto', 'ws', 'http'] as const;

/**
 * The ways to one server, the best first. Where the best does not get through the next ones are tried beside it, and the first that
 * opens is kept: an open transport has carried nothing of a session yet, so no request runs twice.
 */
export class Ways {
  readonly #clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly #logger: Logger;
  readonly #ways: readonly Way[];
  /** By which the last transport was opened. */
  #used: Way | undefined;
  /** The server has answered on a transport of it. */
  #isProven = false;
  /** How often it has failed since, one after the other. */
  #failures = 0;
  /** When a better one than that may be tried, by the clock. */
  #betterAt = Number.POSITIVE_INFINITY;
  #upInPiecesUntil = Number.NEGATIVE_INFINITY;
  #largestPiece: number | undefined;

  constructor(choice: TransportChoice, clock: Pick<Clock, 'now' | 'setTimer'>, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#ways = WAYS.filter(({ kind }) => choice === 'auto' || choice === kind);
  }

  /** What carries the last transport that was opened, in words; undefined before there was one. */
  get name(): string | undefined {
    return this.#used?.name;
  }

  /** The same for the log, which tells of what is unusual. */
  get fields(): { readonly way?: string } {
    return this.#used === undefined || this.#used === WAYS[0] ? {} : { way: this.#used.name };
  }

  /** How long the server has to answer a greeting, ms: less by a way on which nobody has been answered yet, and there are others. */
  get greetingTime(): number {
    return this.#isUnproven ? UNPROVEN_TIME : HANDSHAKE_TIMEOUT;
  }

  get #isUnproven(): boolean {
    return this.#ways.length > 1 && !this.#isProven;
  }

  /** In how many ms a better way may be tried again; infinite while the best one is used. */
  get betterIn(): number {
    return this.#betterAt - this.#clock.now();
  }

  /** Opens a transport by a way that gets through; the one that did so last goes first. */
  readonly open: OpenTransport = (way, signal) => {
    const used = this.#used;
    const others = this.#ways.filter((one) => one !== used);
    return this.#race(used === undefined ? others : [used, ...others], way, signal);
  };

  /** The same by a better way than the one that is used. */
  readonly openBetter: OpenTransport = async (way, signal) => {
    const better = this.#ways.slice(0, this.#used === undefined ? 0 : this.#ways.indexOf(this.#used));
    this.#betterAt = this.#clock.now() + LATER_LOOK;
    return this.#race(better, way, signal);
  };

  /** The server has answered a greeting on the last transport. */
  onAnswered(): void {
    this.#isProven = true;
    this.#failures = 0;
  }

  /** It has not: what was opened lets nothing through, unless others were answered on it before. */
  onUnanswered(): void {
    const used = this.#used;
    if (used === undefined || !this.#isUnproven) return;
    const next = this.#ways[this.#ways.indexOf(used) + 1];
    if (next === undefined) return;
    this.#logger.info({ way: used.name }, 'a way to the server has opened, but nothing came by it');
    this.#used = next;
    this.#betterAt = this.#clock.now() + FIRST_LOOK;
  }

  async #race(ways: readonly Way[], way: WayToServer, signal: AbortSignal): Promise<Transport> {
    const isProven = this.#isProven && ways[0] === this.#used;
    const race = new Race(ways, {
      ...{ way, signal, clock: this.#clock, isProven },
      headStart: isProven ? PROVEN_HEAD_START : HEAD_START,
      openerOf: (one) => this.#openerOf(one),
      onWon: (winner, failure) => this.#onWon(winner, failure),
    });
    try {
      return await race.run();
    } catch (error) {
      if (isProven && !signal.aborted) this.#onFailed();
      throw error;
    }
  }

  /** A way that has carried sessions fails where the network does; when it fails on and on, somebody may have closed it. */
  #onFailed(): void {
    this.#failures += 1;
    if (this.#failures === DOUBTFUL) this.#isProven = false;
  }

  #openerOf({ down }: Way): OpenTransport {
    if (down === undefined) return openWebSocket;
    const up = this.#clock.now() < this.#upInPiecesUntil ? 'pieces' : 'stream';
    return openHttp({
      ...{ down, up },
      ...(this.#largestPiece !== undefined && { largestPiece: this.#largestPiece }),
      onLearnt: (lesson) => {
        if (lesson.up === 'pieces') this.#upInPiecesUntil = this.#clock.now() + FIRST_LOOK;
        this.#largestPiece = lesson.largestPiece ?? this.#largestPiece;
      },
    });
  }

  #onWon(winner: Way, failure: Error | undefined): void {
    const isOther = winner !== this.#used;
    if (isOther && this.#ways.length > 1) this.#tell(winner, failure);
    if (isOther) {
      this.#isProven = false;
      this.#failures = 0;
    }
    if (winner === this.#ways[0]) this.#betterAt = Number.POSITIVE_INFINITY;
    else if (isOther) this.#betterAt = this.#clock.now() + FIRST_LOOK;
    this.#used = winner;
  }

  #tell({ name: way }: Way, failure: Error | undefined): void {
    const former = this.#used?.name;
    const isUsual = former === undefined && failure === undefined && way === WAYS[0]?.name;
    const reason = failure?.message;
    if (!isUsual)
      this.#logger.info({ way, ...(former && { former }), ...(reason && { reason }) }, 'chose a way to the server');
  }
}

interface Way {
  readonly kind: 'ws' | 'http';
  /** For the log and the status. */
  readonly name: string;
  /** Of HTTP. */
  readonly down?: 'stream' | 'poll';
}

const WAYS: readonly Way[] = [
  { kind: 'ws', name: 'WebSocket' },
  { kind: 'http', name: 'HTTP', down: 'stream' },
  { kind: 'http', name: 'HTTP polling', down: 'poll' },
];

/** After how long without an answer the next way begins beside one, ms; from when the server, or its proxy, was reached. */
const HEAD_START = 1_000;
const PROVEN_HEAD_START = 5_000;
const UNPROVEN_TIME = 2_000;
/** So many failures in a row, and a proven way is proven no more. */
const DOUBTFUL = 3;
/** Once one way has failed, the others have so long, ms. */
const LAST_CHANCE = 4_000;
/** When a better way is tried again that did not get through, ms: for the first time, and from then on. */
const FIRST_LOOK = 600_000;
const LATER_LOOK = 3_600_000;

/** One transport, by the first of several ways that opens. */
class Race {
  readonly #ways: readonly Way[];
  readonly #options: RaceOptions;
  readonly #end = new AbortController();
  #next = 0;
  #running = 0;
  #timer: Timer | undefined;
  #deadline: Timer | undefined;
  /** Of the best way that has failed: what is wrong with the others says less. */
  #failure: { readonly error: Error; readonly rank: number } | undefined;
  #settle: { resolve(transport: Transport): void; reject(error: Error): void } | undefined;

  constructor(ways: readonly Way[], options: RaceOptions) {
    this.#ways = ways;
    this.#options = options;
  }

  run(): Promise<Transport> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#startNext();
    });
  }

  #startNext(): void {
    this.#timer?.cancel();
    const rank = this.#next;
    const one = this.#ways[rank];
    if (one === undefined || this.#settle === undefined) return;
    this.#next += 1;
    this.#running += 1;
    void this.#try(one, rank);
  }

  async #try(one: Way, rank: number): Promise<void> {
    const { way, signal, openerOf, onWon } = this.#options;
    let answer: [number, IncomingHttpHeaders] | undefined;
    let isReached = false;
    const reached = <T>(connecting: Promise<T>): Promise<T> =>
      connecting.then((connection) => {
        if (!isReached) this.#waitForNext(rank);
        isReached = true;
        return connection;
      });
    const { proxied } = way;
    const own: WayToServer = {
      ...way,
      connect: () => reached(way.connect()),
      ...(proxied !== undefined && { proxied: { ...proxied, connect: () => reached(proxied.connect()) } }),
      // What losers were told is nobody's business: they may have come to another process.
      onAnswer: (status, headers) => {
        answer = [status, headers];
      },
    };
    try {
      const transport = await openerOf(one)(own, AbortSignal.any([signal, this.#end.signal]));
      if (this.#settle === undefined) return transport.terminate();
      if (answer !== undefined) way.onAnswer?.(...answer);
      onWon(one, this.#failure?.error);
      this.#finish().resolve(transport);
    } catch (error) {
      this.#running -= 1;
      if (this.#settle === undefined) return;
      if (answer !== undefined) way.onAnswer?.(...answer);
      this.#onFailure(error as Error, rank, isReached);
    }
  }

  #waitForNext(rank: number): void {
    if (rank !== this.#next - 1 || this.#settle === undefined) return;
    this.#timer = this.#options.clock.setTimer(() => this.#startNext(), this.#options.headStart);
  }

  #onFailure(error: Error, rank: number, isReached: boolean): void {
    if (this.#failure === undefined || rank < this.#failure.rank) this.#failure = { error, rank };
    const { isProven, way, signal } = this.#options;
    const mayPass = !isProven && (isReached ? !isOfServer(error) : way.proxied !== undefined && isProxysNo(error));
    if (signal.aborted || !mayPass) {
      if (this.#running === 0 || isOfServer(error))
        this.#finish().reject(isOfServer(error) ? error : this.#failure.error);
      return;
    }
    this.#deadline ??= this.#options.clock.setTimer(() => {
      if (this.#failure !== undefined) this.#finish().reject(this.#failure.error);
    }, LAST_CHANCE);
    if (this.#next < this.#ways.length) this.#startNext();
    else if (this.#running === 0) this.#finish().reject(this.#failure.error);
  }

  #finish(): { resolve(transport: Transport): void; reject(error: Error): void } {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#timer?.cancel();
    this.#deadline?.cancel();
    this.#end.abort();
    return settle ?? { resolve() {}, reject() {} };
  }
}

interface RaceOptions {
  readonly way: WayToServer;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly headStart: number;
  /** The first way has carried sessions: that it fails says nothing for the others, only that it is silent. */
  readonly isProven: boolean;
  readonly openerOf: (way: Way) => OpenTransport;
  /** `failure`: of the best way that has failed before. */
  readonly onWon: (winner: Way, failure: Error | undefined) => void;
}

/** The server itself has spoken, or the network as a whole: other ways lead to the same answer. */
function isOfServer(error: Error): boolean {
  return error instanceof RefusedError && SERVERS_OWN.has(error.status);
}

/** Token, patience and a login. */
const SERVERS_OWN: ReadonlySet<number> = new Set([401, 429, 503, 511]);

/** What a proxy says of tunnels alone. */
const OF_TUNNELS: ReadonlySet<ProxyError['code']> = new Set(['DENIED', 'PROXY_FAILED', 'PROXY_BROKEN'] as const);

/** The proxy opens no tunnel to there; it may pass requests on all the same. */
function isProxysNo(error: Error): boolean {
  const { cause } = error;
  return error instanceof ConnectError && cause instanceof ProxyError && OF_TUNNELS.has(cause.code);
}
