import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Logger, systemClock } from 'wsproxy-engine';
import type { ServerObserver } from '../observe/observer.js';
import { FloodLog } from './flood-log.js';
import type { RefusalStatus } from './refusal.js';
import type { RemoteAddressOf } from './remote-address.js';
import { pathOf } from './request-head.js';

/** What one refused request may add to the log, characters. */
const MAX_LOGGED_PATH = 256;

/** Tells the log and the observer whom the gateway has turned away, and why; of a flood the log gets some lines only. */
export class RefusalLog {
  readonly #options: RefusalLogOptions;
  readonly #refusals: FloodLog;
  readonly #broken: FloodLog;
  readonly #errors: FloodLog;

  constructor(options: RefusalLogOptions) {
    const { logger } = options;
    this.#options = options;
    const floodLog = () => new FloodLog((fields, message) => logger.info(fields, message), systemClock);
    this.#refusals = floodLog();
    this.#broken = floodLog();
    this.#errors = new FloodLog((fields, message) => logger.error(fields, message), systemClock);
  }

  /** Never with the query: it is where a misguided client would have put its token. */
  request(request: IncomingMessage, status: RefusalStatus): void {
    const { observer, remoteAddressOf } = this.#options;
    observer.onRefusedRequest?.(status);
    const path = pathOf(request).slice(0, MAX_LOGGED_PATH);
    this.#refusals.write({ status, path, remoteAddress: remoteAddressOf(request) }, 'refused a request');
  }

  /** What has come was no request; `code` of Node's parser. */
  connection(accepted: Socket, status: RefusalStatus, code?: string): void {
    this.#options.observer.onRefusedRequest?.(status);
    this.#refusals.write({ status, ...(code && { code }), ...from(accepted) }, 'refused a request');
  }

  late(accepted: Socket): void {
    this.#refusals.write(from(accepted), 'a connection took too long');
  }

  handshake(accepted: Socket, code: unknown): void {
    this.#refusals.write({ code, ...from(accepted) }, 'a TLS handshake failed');
    this.#options.observer.onFailedHandshake?.();
  }

  /** A transport was closed for it. */
  broken(protocol: string, error: Error): void {
    this.#broken.write({ err: error }, `a peer broke the ${protocol} protocol`);
  }

  lateAuthentication(ms: number): void {
    this.#errors.write({ ms }, 'authentication took too long');
  }

  failedAuthentication(error: unknown): void {
    this.#errors.write({ err: error }, 'authentication failed');
  }

  failedDecoy(error: unknown): void {
    this.#options.logger.error({ err: error }, 'the decoy failed');
  }
}

function from({ remoteAddress }: Socket): { remoteAddress?: string } {
  return remoteAddress === undefined ? {} : { remoteAddress };
}

export interface RefusalLogOptions {
  readonly logger: Logger;
  readonly observer: ServerObserver;
  readonly remoteAddressOf: RemoteAddressOf;
}
