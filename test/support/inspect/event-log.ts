import { Teller } from '../../../packages/client/src/inspect/http/tell.js';
import type { ExchangeStart, ExchangeWatcher } from '../../../packages/client/src/inspect/watcher.js';

/** What a watcher is told of one connection to `example.org`, in words: bodies are joined, however they come. */
export class EventLog {
  readonly #exchanges: Exchange[] = [];
  readonly teller: Teller;

  constructor(isSecure = false, port = 80) {
    const destination = { host: 'example.org', port };
    const watcher = { onExchange: (start: ExchangeStart) => this.#begin(start), onPassedThrough() {} };
    this.teller = new Teller(watcher, { connection: 1, destination, isSecure }, () => 0);
  }

  /** Of each exchange. */
  get lines(): string[][] {
    return this.#exchanges.map(({ lines }) => lines);
  }

  #begin(start: ExchangeStart): ExchangeWatcher {
    const exchange = new Exchange(start);
    this.#exchanges.push(exchange);
    return exchange;
  }
}

class Exchange implements ExchangeWatcher {
  readonly lines: string[] = [];
  #last = '';

  constructor({ version, method, url, headers }: ExchangeStart) {
    this.#tell(`${version} ${method} ${url} ${headers.join('|')}`);
  }

  onRequestBody(chunk: Uint8Array): void {
    this.#add('>', chunk);
  }

  onRequestEnd(trailers: readonly string[]): void {
    this.#tell(`sent ${trailers.join('|')}`);
  }

  onInformation(status: number, headers: readonly string[]): void {
    this.#tell(`${status} ${headers.join('|')}`);
  }

  onResponse({ status, statusText, version, headers }: Parameters<ExchangeWatcher['onResponse']>[0]): void {
    this.#tell(`${version} ${status} ${statusText} ${headers.join('|')}`);
  }

  onResponseBody(chunk: Uint8Array): void {
    this.#add('<', chunk);
  }

  onResponseEnd(trailers: readonly string[]): void {
    this.#tell(`got ${trailers.join('|')}`);
  }

  onBytes(direction: 'up' | 'down', chunk: Uint8Array): void {
    this.#add(direction, chunk);
  }

  onScripted(part: string): void {
    this.#tell(`scripted ${part}`);
  }

  onEnd(failure?: string): void {
    this.#tell(`over ${failure ?? ''}`);
  }

  #add(kind: string, chunk: Uint8Array): void {
    const text = Buffer.from(chunk).toString('latin1');
    if (this.#last === kind) this.lines.push(`${this.lines.pop()}${text}`);
    else this.lines.push(`${kind} ${text}`);
    this.#last = kind;
  }

  #tell(line: string): void {
    this.#last = '';
    this.lines.push(line.trimEnd());
  }
}
