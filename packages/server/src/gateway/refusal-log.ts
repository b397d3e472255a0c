import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Logger, systemClock } from 'wsproxy-engine';
import type { Arrival } from 'wsproxy-node/transports';
import { FloodLog } from '../limits/flood-log.js';
import { putNewest } from '../limits/put-newest.js';
import type { ServerObserver } from '../observe/observer.js';
import type { Caller } from './caller.js';
import { sourceOf } from './door-source.js';
import { plainAddress } from './plain-address.js';
import type { Refusal } from './refusal.js';
import { pathOf, shownPathOf } from './request-head.js';

/** Looks that are told from new ones. */
const MAX_KNOWN = 1_000;

/** Tells the log and the observer whom the gateway has turned away, and why; of a flood the log gets some lines only. */
export class RefusalLog {
  readonly #options: RefusalLogOptions;
  readonly #looks: FloodLog;
  /** Looks at pages, each by whom and at what, the one longest ago first. */
  readonly #known = new Map<string, true>();
  readonly #refusals: FloodLog;
  readonly #broken: FloodLog;
  readonly #errors: FloodLog;

  constructor(options: RefusalLogOptions) {
    const { logger } = options;
    this.#options = options;
    const floodLog = (level: 'debug' | 'info' | 'error') =>
      new FloodLog((fields, message) => logger[level](fields, message), systemClock);
    this.#looks = floodLog('debug');
    this.#refusals = floodLog('info');
    this.#broken = floodLog('info');
    this.#errors = floodLog('error');
  }

  /** Never with the query: it is where a misguided client would have put its token. */
  request(arrival: Arrival, refusal: Refusal): void {
    const { request } = arrival;
    const { observer, callerOf } = this.#options;
    observer.onRefusedRequest?.(refusal.status);
    const { isStranger: _, ...cause } = refusal;
    const path = this.#shownPathOf(request);
    const caller = callerOf(request);
    const isQuiet = isLook(arrival) && (this.#options.hasDecoy || this.#isKnownLook(`${caller.remoteAddress} ${path}`));
    const lines = isQuiet ? this.#looks : this.#refusals;
    const origin = { source: sourceOf(caller.remoteAddress), cause: `${cause.reason} ${cause.user ?? ''}` };
    lines.write(origin, { ...cause, path, ...caller }, 'refused a request');
  }

  /** A token may stand behind the secret one. */
  #shownPathOf(request: IncomingMessage): string {
    const { secretPath } = this.#options;
    return secretPath !== undefined && pathOf(request).startsWith(secretPath) ? secretPath : shownPathOf(request);
  }

  /** Whether somebody there has looked at that page a while ago, as a health check does all day. */
  #isKnownLook(look: string): boolean {
    const isKnown = this.#known.has(look);
    putNewest(this.#known, look, true, MAX_KNOWN);
    return isKnown;
  }

  /** What has come was no request; `code` of Node's parser. */
  connection(accepted: Socket, { status, reason }: Refusal, code?: string): void {
    this.#options.observer.onRefusedRequest?.(status);
    const origin = { source: sourceOf(accepted.remoteAddress), cause: reason };
    this.#refusals.write(origin, { status, reason, ...(code && { code }), ...from(accepted) }, 'refused a request');
  }

  late(accepted: Pick<Socket, 'remoteAddress'>): void {
    this.#refusals.write({ source: sourceOf(accepted.remoteAddress) }, from(accepted), 'a connection took too long');
  }

  handshake(accepted: Socket, code: unknown): void {
    this.#refusals.write(
      { source: sourceOf(accepted.remoteAddress) },
      { code, ...from(accepted) },
      'a TLS handshake failed',
    );
    this.#options.observer.onFailedHandshake?.();
  }

  /** A transport was closed for it. */
  broken(protocol: string, error: Error): void {
    this.#broken.write(NOBODY, { err: error }, `a peer broke the ${protocol} protocol`);
  }

  lateAuthentication(ms: number): void {
    this.#errors.write(NOBODY, { ms }, 'authentication took too long');
  }

  failedAuthentication(error: unknown): void {
    this.#errors.write(NOBODY, { err: error }, 'authentication failed');
  }

  /** Nothing more comes. */
  close(): void {
    for (const lines of [this.#looks, this.#refusals, this.#broken, this.#errors]) lines.flush();
  }

  failedDecoy(error: unknown): void {
    this.#options.logger.error({ err: error }, 'the decoy failed');
  }
}

/** No client of ours, nor anybody who tries tokens: a browser, a health check, a search engine. */
function isLook(arrival: Arrival): boolean {
  return !('socket' in arrival) && arrival.request.headers.authorization === undefined;
}

/** It is not known whose fault it is. */
const NOBODY = { source: '' };

function from({ remoteAddress }: Pick<Socket, 'remoteAddress'>): { remoteAddress?: string } {
  return remoteAddress === undefined ? {} : { remoteAddress: plainAddress(remoteAddress) };
}

export interface RefusalLogOptions {
  readonly logger: Logger;
  readonly observer: ServerObserver;
  readonly callerOf: (request: IncomingMessage) => Caller;
  /** Of a path that begins with it nothing more is logged. */
  readonly secretPath?: string | undefined;
  /** Strangers are shown pages: looks are nothing to tell of. */
  readonly hasDecoy: boolean;
}
