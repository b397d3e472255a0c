import { type Clock, HANDSHAKE_TIMEOUT, type Logger, type Loss, type Transport } from 'wsproxy-engine';
import { SILENCE, type WayStatus } from 'wsproxy-engine/connector';
import {
  type HttpOpening,
  type Lesson,
  NoHttp2Error,
  newPieceSize,
  type OpenTransport,
  openHttp,
  openWebSocket,
  openWebSocketOverHttp2,
  RefusedError,
  type WayToServer,
} from 'wsproxy-node/transports';
import { CutAges } from './cut-ages.js';
import { Race } from './race.js';
import type { TransportChoice } from './transport-choice.js';

/**
 * The ways to one server, the best first. Where the best does not get through the next ones are tried beside it, and the first that
 * opens is kept: an open transport has carried nothing of a session yet, so no request runs twice. A way on which the server has
 * answered is proven. A server that is slow must not be taken for one whose ways are closed: then each client would ask it
 * for more, and by a way that costs it more.
 */
export class Ways {
  readonly #options: WaysOptions;
  readonly #ways: readonly Way[];
  /** By which the last transport came that the server has answered on. */
  #used: Way | undefined;
  readonly #proven = new Set<Way>();
  /** They have opened, and nothing came by them. */
  readonly #doubted = new Set<Way>();
  /** How often the used one has failed since it was proven, one after the other. */
  #failures = 0;
  /** How many transports of the used one were lost, one after the other, by which nothing came that was waited for. */
  #barren = 0;
  /** Attempts in a row, by ways that are not proven, to which nobody has answered at all. */
  #silences = 0;
  /** How long the server has to answer on a way that is not proven, ms. */
  #patience = FIRST_PATIENCE;
  readonly #transports = new WeakMap<Transport, Opened>();
  readonly #cuts = new Map<Way, CutAges>();
  #choice: { readonly at: number; readonly reason: string | undefined } | undefined;
  /** When a better way than the used one may be tried, by the clock, and how long after that again, ms. */
  #look = { at: Number.POSITIVE_INFINITY, pause: 0 };
  /** To move a session to a way that opens, and lets nothing through, costs it a pause: at least so long before that, ms. */
  #distrust = 0;
  /** What holds for HTTP until then, by the clock. */
  #learnt: Partial<Lesson> & { readonly until: number } = { until: Number.NEGATIVE_INFINITY };
  /** Of HTTP, for all transports to the server: what was too much for one is too much for the next one. */
  readonly #pieceSize = newPieceSize();

  /** `url`: of the server. */
  constructor(choice: TransportChoice, url: Pick<URL, 'protocol'>, options: WaysOptions) {
    this.#options = options;
    this.#ways = waysFor(choice, url);
  }

  /** What carries a transport that was opened here, for the log, which tells of what is unusual. */
  fieldsOf(transport: Transport): { readonly way?: string } {
    const way = this.#transports.get(transport)?.way;
    return way === undefined || way === WAYS[0] ? {} : { way: way.name };
  }

  /** What carries a transport that was opened here, and why; undefined unless the server has answered on that way. */
  statusOf(transport: Transport): WayStatus | undefined {
    const way = this.#transports.get(transport)?.way;
    if (way === undefined || this.#choice === undefined) return undefined;
    const { at, reason } = this.#choice;
    return { name: way.name, sinceMs: Math.round(this.#now - at), reason: way === this.#used ? reason : undefined };
  }

  /** How old a transport may become before the next one takes its place, ms; infinite unless its way cuts all of them at one age. */
  safeAge(transport: Transport): number {
    const way = this.#transports.get(transport)?.way;
    return (way && this.#cuts.get(way)?.safeAge(this.#now)) ?? Number.POSITIVE_INFINITY;
  }

  /** Somebody has cut a transport that had carried a session for so long, ms. `isBarren`: nothing came that the session waits for. */
  onCut(transport: Transport, age: number, isBarren: boolean): void {
    const way = this.#transports.get(transport)?.way;
    if (way === undefined) return;
    const ages = this.#cuts.get(way) ?? new CutAges();
    this.#cuts.set(way, ages);
    ages.onCut(age, this.#now);
    if (isBarren) this.#onBarren(way);
    else if (way === this.#used) this.#barren = 0;
  }

  /** How long the server has to answer a greeting, ms: less by a way on which nobody has been answered yet, and there are others. */
  greetingTime(transport: Transport): number {
    const opened = this.#transports.get(transport);
    if (opened === undefined || this.#isTrusted(opened.way)) return HANDSHAKE_TIMEOUT;
    return Math.min(HANDSHAKE_TIMEOUT, Math.max(this.#patience, OPENINGS * opened.took));
  }

  /** In how many ms a better way than that of `transport` may be tried again; infinite if there is none. */
  betterIn(transport: Transport): number {
    return this.#betterThan(transport).length === 0 ? Number.POSITIVE_INFINITY : this.#look.at - this.#now;
  }

  /** Opens a transport by a way that gets through; the one that did so last goes first. */
  readonly open: OpenTransport = (way, signal) => {
    const rank = (one: Way): number => (this.#doubted.has(one) ? 2 : 0) + (one === this.#used ? 0 : 1);
    return this.#race(
      [...this.#ways].sort((a, b) => rank(a) - rank(b)),
      way,
      signal,
    );
  };

  /** The same by a better way than that of `transport`, which carries a session meanwhile. */
  openBetter(transport: Transport): OpenTransport {
    return (way, signal) => {
      const { pause } = this.#look;
      this.#look = { at: this.#now + pause, pause: Math.min(pause * LOOK_GROWTH, LONGEST_LOOK) };
      return this.#race(this.#betterThan(transport), { ...way, isTrial: true }, signal);
    };
  }

  /** The server has answered a greeting on it. */
  onAnswered(transport: Transport): void {
    const opened = this.#transports.get(transport);
    if (opened === undefined) return;
    const { way } = opened;
    this.#proven.add(way);
    this.#doubted.delete(way);
    this.#patience = FIRST_PATIENCE;
    this.#failures = this.#silences = 0;
    if (way === this.#used) return;
    this.#tell(opened);
    this.#used = way;
    this.#choice = { at: this.#now, reason: opened.failure?.message };
    this.#barren = 0;
    const isRefused = opened.failure instanceof RefusedError && opened.failure.status < 500;
    const pause = Math.max(isRefused ? REFUSED_LOOK : SILENT_LOOK, this.#distrust);
    this.#look = { at: this.#now + pause, pause: pause * LOOK_GROWTH };
  }

  /** It has not led to a session. `isRefused`: the server itself has said that it has nothing of it. */
  onUnwelcome(transport: Transport, { code, reason }: Loss, isRefused: boolean = false): void {
    const way = this.#transports.get(transport)?.way;
    // Tried beside another way that is silent, it may be turned away since that one holds the user's last place.
    if (isRefused) return this.onAnswered(transport);
    if (way === undefined || code !== 1006 || this.#ways.length === 1) return;
    // What was opened lets nothing through, unless others were answered on that way before.
    if (!this.#proven.has(way)) this.#doubt(way);
    else if (reason !== SILENCE) this.#onBarren(way);
  }

  /** Some proxies let a greeting through, and break the connection at the first large message. */
  #onBarren(way: Way): void {
    if (way !== this.#used || this.#ways.length === 1) return;
    this.#barren += 1;
    if (this.#barren < DOUBTFUL) return;
    this.#barren = 0;
    this.#proven.delete(way);
    this.#doubt(way);
  }

  #doubt(way: Way): void {
    this.#options.logger.info({ way: way.name }, 'a way to the server has opened, but nothing came by it');
    this.#doubted.add(way);
    this.#distrust = Math.min(LONGEST_LOOK, Math.max(REFUSED_LOOK, this.#distrust * LOOK_GROWTH));
    if (this.#doubted.size < this.#ways.length) return;
    // Nothing comes by any of them: the server is slow.
    this.#doubted.clear();
    this.#distrust = 0;
    this.#patience = Math.min(this.#patience * 2, HANDSHAKE_TIMEOUT);
  }

  get #now(): number {
    return this.#options.clock.now();
  }

  /** What fails on it fails elsewhere, too. */
  #isTrusted(way: Way): boolean {
    return this.#ways.length === 1 || this.#proven.has(way);
  }

  #betterThan(transport: Transport): readonly Way[] {
    const way = this.#transports.get(transport)?.way;
    return way === undefined ? [] : this.#ways.slice(0, this.#ways.indexOf(way));
  }

  async #race(ways: readonly Way[], way: WayToServer, signal: AbortSignal): Promise<Transport> {
    const { clock, openers } = this.#options;
    const [first] = ways;
    const isProven = first !== undefined && this.#proven.has(first);
    const began = this.#now;
    const race = new Race(ways, {
      ...{ way, signal, clock, isProven },
      headStartOf: ({ kind }) => {
        if (isProven) return this.#provenHeadStart;
        // Most who need the next one, polling, have no use for HTTP/2, and must not wait for it.
        return kind === 'h2' ? this.#headStart / 2 : this.#headStart;
      },
      openerOf: (one) => openerFor(one, this.#opening, openers),
      onWon: (winner, transport, failure) =>
        this.#transports.set(transport, { way: winner, failure, took: this.#now - began }),
    });
    try {
      return await race.run();
    } catch (error) {
      const isSilent = signal.aborted && isTimeout(signal);
      const isOfWay = race.isReached && (isSilent || !signal.aborted);
      if (isOfWay && isProven) this.#onFailed(first);
      else if (isOfWay && isSilent && way.isTrial !== true) this.#silences += 1;
      // Another way may still open.
      if (error instanceof NoHttp2Error && this.#ways.length > 1) throw new Error(error.message, { cause: error });
      throw error;
    }
  }

  /** Where nobody answers by any way, every other attempt costs the server no more than one way does. */
  get #headStart(): number {
    if (this.#silences === 0) return HEAD_START;
    return this.#silences % 2 === 0 ? SILENT_HEAD_START : Number.POSITIVE_INFINITY;
  }

  /** Silence once is that of a server that has much to do. */
  get #provenHeadStart(): number {
    return this.#failures === 0 ? Number.POSITIVE_INFINITY : PROVEN_HEAD_START;
  }

  /** A way that has carried sessions fails where the network does; when it fails on and on, somebody may have closed it. */
  #onFailed(way: Way): void {
    this.#failures += 1;
    if (this.#failures === DOUBTFUL) this.#proven.delete(way);
  }

  /** As what was learnt of HTTP has it. */
  get #opening(): Omit<HttpOpening, 'down'> {
    const { up = 'stream' } = this.#now < this.#learnt.until ? this.#learnt : {};
    return {
      ...{ up, pieceSize: this.#pieceSize },
      onLearnt: (lesson) => {
        this.#learnt = { ...lesson, until: this.#now + REFUSED_LOOK };
      },
    };
  }

  #tell({ way: { name: way }, failure }: Opened): void {
    if (this.#ways.length === 1) return;
    const former = this.#used?.name;
    const isUsual = former === undefined && failure === undefined && way === WAYS[0]?.name;
    const reason = failure?.message;
    const fields = { way, ...(former && { former }), ...(reason && { reason }) };
    if (!isUsual) this.#options.logger.info(fields, 'chose a way to the server');
  }
}

export interface WaysOptions {
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly logger: Logger;
  /** Default: those of wsproxy-node. */
  readonly openers?: Openers;
}

interface Openers {
  readonly websocket: OpenTransport;
  readonly http2: OpenTransport;
  readonly http: typeof openHttp;
}

const OPENERS: Openers = { websocket: openWebSocket, http2: openWebSocketOverHttp2, http: openHttp };

interface Opened {
  readonly way: Way;
  /** Of the best way that has failed before it. */
  readonly failure: Error | undefined;
  /** From the beginning, ms. */
  readonly took: number;
}

/** The ways to the server at a URL that may be used, the best first: HTTP/2 is for `wss:` alone. */
export function waysFor(choice: TransportChoice, { protocol }: Pick<URL, 'protocol'>): readonly Way[] {
  const isThere = ({ kind }: Way): boolean => kind !== 'h2' || protocol === 'wss:';
  return WAYS.filter((way) => (choice === 'auto' ? isThere(way) : choice === way.kind));
}

/** Opens transports by it. `opening`: how HTTP is used. */
export function openerFor(
  { kind, down }: Way,
  opening: Omit<HttpOpening, 'down'>,
  { websocket, http2, http }: Openers = OPENERS,
): OpenTransport {
  if (down !== undefined) return http({ down, ...opening });
  return kind === 'h2' ? http2 : websocket;
}

export interface Way {
  readonly kind: Exclude<TransportChoice, 'auto'>;
  /** For the log and the status. */
  readonly name: string;
  /** Of HTTP. */
  readonly down?: 'stream' | 'poll';
}

/** HTTP/2 comes behind HTTP, which is faster here and costs less CPU (docs/performance.md). */
const WAYS: readonly Way[] = [
  { kind: 'ws', name: 'WebSocket' },
  { kind: 'http', name: 'HTTP', down: 'stream' },
  { kind: 'h2', name: 'WebSocket over HTTP/2' },
  { kind: 'http', name: 'HTTP polling', down: 'poll' },
];

/** After how long without an answer the next way begins beside one, ms; from when the server, or its proxy, was reached. */
const HEAD_START = 1_000;
const SILENT_HEAD_START = 3_000;
/** The same for a way that is proven, and has failed since. */
const PROVEN_HEAD_START = 5_000;
const FIRST_PATIENCE = 2_000;
/** To answer takes no longer than so many times what to open took: over HTTP each may need a connection with TLS. */
const OPENINGS = 2;
/** So many failures in a row, and a proven way is proven no more. */
const DOUBTFUL = 3;
/** When a better way is tried again, ms: one that was refused, and one that was only slower, or silent. */
const REFUSED_LOOK = 600_000;
const SILENT_LOOK = 60_000;
const LOOK_GROWTH = 6;
const LONGEST_LOOK = 3_600_000;

function isTimeout({ reason }: AbortSignal): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
