import type { IncomingHttpHeaders } from 'node:http';
import type { Clock, Timer, Transport } from 'wsproxy-engine';
import { ProxyError } from 'wsproxy-node/dial/upstream';
import { type OpenTransport, RefusedError, type WayToServer } from 'wsproxy-node/transports';

/** One transport, by the first of several ways that opens. */
export class Race<W> {
  readonly #ways: readonly W[];
  readonly #options: RaceOptions<W>;
  readonly #end = new AbortController();
  #next = 0;
  #running = 0;
  #timer: Timer | undefined;
  #deadline: Timer | undefined;
  /** Of the best way that has failed: what is wrong with the others says less. */
  #failure: { readonly error: Error; readonly rank: number } | undefined;
  #isReached = false;
  #settle: { resolve(transport: Transport): void; reject(error: Error): void } | undefined;

  constructor(ways: readonly W[], options: RaceOptions<W>) {
    this.#ways = ways;
    this.#options = options;
  }

  /** The server, or its proxy, was reached by one of them. */
  get isReached(): boolean {
    return this.#isReached;
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

  async #try(one: W, rank: number): Promise<void> {
    const { way, signal, openerOf, onWon } = this.#options;
    let answer: [number, IncomingHttpHeaders] | undefined;
    let isReached = false;
    const reached = <T>(connecting: Promise<T>): Promise<T> =>
      connecting.then((connection) => {
        if (!isReached) this.#waitForNext(rank);
        isReached = this.#isReached = true;
        return connection;
      });
    const { proxied } = way;
    const own: WayToServer = {
      ...way,
      connect: (protocols) => reached(way.connect(protocols)),
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
      onWon(one, transport, this.#failure?.error);
      this.#finish().resolve(transport);
    } catch (error) {
      this.#running -= 1;
      if (this.#settle === undefined) return;
      if (answer !== undefined) way.onAnswer?.(...answer);
      this.#onFailure(error as Error, rank, isReached);
    }
  }

  #waitForNext(rank: number): void {
    const { clock, headStartOf } = this.#options;
    const headStart = headStartOf(this.#ways[rank] as W);
    if (rank !== this.#next - 1 || this.#settle === undefined || headStart === Number.POSITIVE_INFINITY) return;
    this.#timer = clock.setTimer(() => this.#startNext(), headStart);
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

export interface RaceOptions<W> {
  readonly way: WayToServer;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'setTimer'>;
  /** Of each before the next one begins beside it, ms, from when the server, or its proxy, was reached; may be infinite. */
  readonly headStartOf: (way: W) => number;
  /** The first way has carried sessions: that it fails says nothing for the others, only that it is silent. */
  readonly isProven: boolean;
  readonly openerOf: (way: W) => OpenTransport;
  /** `failure`: of the best way that has failed before. */
  readonly onWon: (winner: W, transport: Transport, failure: Error | undefined) => void;
}

/** Once one way has failed, the others have so long, ms. */
const LAST_CHANCE = 4_000;

/** The server itself has spoken, or the network as a whole: other ways lead to the same answer. */
function isOfServer(error: Error): boolean {
  return error instanceof RefusedError && isServersOwn(error.status);
}

/** The same of the status of an answer. */
export function isServersOwn(status: number | undefined): boolean {
  return status !== undefined && SERVERS_OWN.has(status);
}

/** Token, patience and a login. */
const SERVERS_OWN: ReadonlySet<number> = new Set([401, 429, 503, 511]);

/** What a proxy says of tunnels alone. */
const OF_TUNNELS: ReadonlySet<ProxyError['code']> = new Set(['DENIED', 'PROXY_FAILED', 'PROXY_BROKEN'] as const);

/** The proxy opens no tunnel to there; it may pass requests on all the same. */
function isProxysNo({ cause }: Error): boolean {
  return cause instanceof ProxyError && isOfTunnels(cause);
}

/** What the proxy says is of tunnels, and not of requests that it passes on. */
export function isOfTunnels({ code }: ProxyError): boolean {
  return OF_TUNNELS.has(code);
}
