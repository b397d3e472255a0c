import type { Destination, ExchangeStart, ExchangeWatcher, RawHeaders, Watcher } from 'wsproxy-client';

/** Keeps all that it is told. */
export class RecordingWatcher implements Watcher {
  readonly exchanges: Seen[] = [];
  /** `host reason`, in their order. */
  readonly passed: string[] = [];

  onExchange(start: ExchangeStart): ExchangeWatcher {
    const seen = new Seen(start);
    this.exchanges.push(seen);
    return seen;
  }

  onPassedThrough({ host }: Destination, reason: string): void {
    this.passed.push(`${host} ${reason}`);
  }

  /** Method, URL and status of each. */
  get lines(): string[] {
    return this.exchanges.map(({ start, status }) => `${start.method} ${start.url} ${status}`);
  }
}

export class Seen implements ExchangeWatcher {
  readonly start: ExchangeStart;
  /** What it was told, without bodies. */
  readonly events: string[] = [];
  readonly #request: Uint8Array[] = [];
  readonly #response: Uint8Array[] = [];
  readonly #bytes = { up: [] as Uint8Array[], down: [] as Uint8Array[] };
  status: number | undefined;
  version: string | undefined;
  headers: RawHeaders = [];

  constructor(start: ExchangeStart) {
    this.start = start;
  }

  get request(): Buffer {
    return Buffer.concat(this.#request);
  }

  get response(): Buffer {
    return Buffer.concat(this.#response);
  }

  bytes(direction: 'up' | 'down'): Buffer {
    return Buffer.concat(this.#bytes[direction]);
  }

  get isOver(): boolean {
    return this.events.some((event) => event.startsWith('over'));
  }

  onRequestBody(chunk: Uint8Array): void {
    this.#request.push(chunk);
  }

  onRequestEnd(trailers: RawHeaders): void {
    this.events.push(`request ${trailers.join()}`);
  }

  onInformation(status: number): void {
    this.events.push(`information ${status}`);
  }

  onResponse({ status, version, headers }: Parameters<ExchangeWatcher['onResponse']>[0]): void {
    this.events.push(`head ${status}`);
    this.status = status;
    this.version = version;
    this.headers = headers;
  }

  onResponseBody(chunk: Uint8Array): void {
    this.#response.push(chunk);
  }

  onResponseEnd(trailers: RawHeaders): void {
    this.events.push(`response ${trailers.join()}`);
  }

  onBytes(direction: 'up' | 'down', chunk: Uint8Array): void {
    this.#bytes[direction].push(chunk);
  }

  onScripted(part: string): void {
    this.events.push(`scripted ${part}`);
  }

  onEnd(failure?: string): void {
    this.events.push(failure === undefined ? 'over' : `over: ${failure}`);
  }
}
