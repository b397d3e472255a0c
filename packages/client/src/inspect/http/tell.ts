import type { ExchangeStart, ExchangeWatcher, RawHeaders, ScriptedPart, Watcher } from '../watcher.js';

/** Tells a watcher what passes on one connection. What the watcher throws ends here: the connection has nothing to do with it. */
export class Teller {
  readonly #watcher: Watcher;
  readonly #connection: ConnectionFacts;
  readonly #now: () => number;

  /** `now`: milliseconds since 1970. */
  constructor(watcher: Watcher, connection: ConnectionFacts, now: () => number) {
    this.#watcher = watcher;
    this.#connection = connection;
    this.#now = now;
  }

  get now(): number {
    return this.#now();
  }

  begin({ authority, path, ...start }: Begun): Exchange {
    const url = this.urlOf(authority, path);
    let watcher: ExchangeWatcher | undefined;
    try {
      watcher = this.#watcher.onExchange({ at: this.#now(), ...this.#connection, ...start, url });
    } catch {
      // Nobody looks then.
    }
    return new Exchange(watcher);
  }

  /** Absolute. Of a request with this authority, if it names one, and path. */
  urlOf(authority: string | undefined, path: string): string {
    const { destination, isSecure } = this.#connection;
    const host = destination.host.includes(':') ? `[${destination.host}]` : destination.host;
    const usual = isSecure ? ':443' : ':80';
    const where = authority ?? `${host}:${destination.port}`;
    const origin = `${isSecure ? 'https' : 'http'}://${where.endsWith(usual) ? where.slice(0, -usual.length) : where}`;
    return /^[a-z][a-z0-9+.-]*:\/\//i.test(path) ? path : `${origin}${path.startsWith('/') ? '' : '/'}${path}`;
  }
}

export type ConnectionFacts = Pick<ExchangeStart, 'connection' | 'destination' | 'isSecure'>;

/** What is known of a request when it begins. */
export interface Begun extends Pick<ExchangeStart, 'version' | 'method' | 'headers'> {
  /** As the request names it, if it does. */
  readonly authority: string | undefined;
  /** As the request has it: a path, `*`, or a whole URL. */
  readonly path: string;
}

/** One request and its answer, as they pass: it ends when both have. */
export class Exchange {
  #watcher: ExchangeWatcher | undefined;
  #isRequestOver = false;
  #isResponseOver = false;
  readonly #scripted = new Set<ScriptedPart>();

  constructor(watcher: ExchangeWatcher | undefined) {
    this.#watcher = watcher;
  }

  onRequestBody(chunk: Uint8Array): void {
    this.#tell((watcher) => watcher.onRequestBody(chunk));
  }

  onRequestEnd(trailers: RawHeaders = []): void {
    this.#tell((watcher) => watcher.onRequestEnd(trailers));
    this.#isRequestOver = true;
    if (this.#isResponseOver) this.end();
  }

  onInformation(status: number, headers: RawHeaders): void {
    this.#tell((watcher) => watcher.onInformation(status, headers));
  }

  onResponse(head: Parameters<ExchangeWatcher['onResponse']>[0]): void {
    this.#tell((watcher) => watcher.onResponse(head));
  }

  onResponseBody(chunk: Uint8Array): void {
    this.#tell((watcher) => watcher.onResponseBody(chunk));
  }

  onResponseEnd(trailers: RawHeaders = []): void {
    this.#tell((watcher) => watcher.onResponseEnd(trailers));
    this.#isResponseOver = true;
    if (this.#isRequestOver) this.end();
  }

  onBytes(direction: 'up' | 'down', chunk: Uint8Array): void {
    this.#tell((watcher) => watcher.onBytes(direction, chunk));
  }

  /** Each part is told once. */
  onScripted(part: ScriptedPart): void {
    if (this.#scripted.has(part)) return;
    this.#scripted.add(part);
    this.#tell((watcher) => watcher.onScripted?.(part));
  }

  /** Once: what comes afterwards is not told. */
  end(failure?: string): void {
    this.#tell((watcher) => watcher.onEnd(failure));
    this.#watcher = undefined;
  }

  #tell(what: (watcher: ExchangeWatcher) => void): void {
    if (this.#watcher === undefined) return;
    try {
      what(this.#watcher);
    } catch {
      this.#watcher = undefined;
    }
  }
}
