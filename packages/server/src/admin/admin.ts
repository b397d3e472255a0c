import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Logger, OWN_PAGE_HEADERS, refuseOwnPage, silentLogger } from 'wsproxy-protocol';
import { type ListenOptions, listenOn } from '../front-listen.js';
import type { Server } from '../server.js';
import type { Metrics } from './metrics.js';

export interface AdminOptions {
  /** Default: silent. */
  readonly logger?: Logger;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Connections at a time: monitoring needs few, and a forgotten one is closed by Node after some seconds. */
const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT = 10_000;

/**
 * Serves `/healthz`, `/readyz`, `/metrics` and `/sessions` of a server, on a port of their own. Metrics count from this
 * call on, so make it before the server listens.
 */
export async function createAdmin(server: Server, options: AdminOptions = {}): Promise<Admin> {
  // It brings prom-client, tens of milliseconds: only those who ask for metrics wait for it.
  const { Metrics } = await import('./metrics.js');
  const metrics = new Metrics(server);
  server.observe(metrics);
  return new Admin(server, metrics, options.logger ?? silentLogger);
}

/** The admin pages of one server. There is no password: who may connect is decided by where they listen. */
export class Admin {
  readonly #server: Server;
  readonly #metrics: Metrics;
  readonly #http: HttpServer;
  /** Undefined on a Unix socket. */
  #listenHost: string | undefined;

  constructor(server: Server, metrics: Metrics, logger: Logger) {
    this.#server = server;
    this.#metrics = metrics;
    this.#http = createServer(
      { headersTimeout: REQUEST_TIMEOUT, requestTimeout: REQUEST_TIMEOUT },
      (request, response) => {
        this.#answer(request).then(
          (page) => send(response, page),
          (error: unknown) => {
            logger.error({ err: error }, 'an admin page failed');
            send(response, plain(500));
          },
        );
      },
    );
    this.#http.maxConnections = MAX_CONNECTIONS;
  }

  /** Resolves with where it listens, if that is TCP; rejects with the system's error when it cannot be had. */
  async listen(options: ListenOptions): Promise<AddressInfo | undefined> {
    const address = await listenOn(this.#http, options);
    if (address === undefined) return undefined;
    this.#listenHost = ('host' in options && options.host) || address.address;
    this.#server.neverDial(address);
    return address;
  }

  /** Stops listening and ends every connection. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#http.close(() => resolve());
      this.#http.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage): Promise<Page> {
    const refusal = refuseOwnPage(request, this.#listenHost);
    if (refusal !== undefined) return plain(refusal);
    switch (request.url?.split('?', 1)[0]) {
      case '/healthz':
        return { ...plain(200), body: 'ok\n' };
      case '/readyz':
        return this.#server.isReady ? { ...plain(200), body: 'ready\n' } : { ...plain(503), body: 'not ready\n' };
      case '/metrics':
        return { status: 200, type: this.#metrics.contentType, body: await this.#metrics.print() };
      case '/sessions':
        return {
          status: 200,
          type: 'application/json',
          body: `${JSON.stringify({ sessions: this.#server.sessions() })}\n`,
        };
      default:
        return plain(404);
    }
  }
}

function plain(status: number): Page {
  return { status, type: 'text/plain; charset=utf-8', body: `${STATUS_CODES[status]}\n` };
}

function send(response: ServerResponse, { status, type, body }: Page): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    ...OWN_PAGE_HEADERS,
    // RFC 9110 section 15.5.6.
    ...(status === 405 && { Allow: 'GET' }),
    // Whatever body a refused request brings is not read.
    ...(status >= 400 && status !== 503 && { Connection: 'close' }),
  });
  response.end(body);
}
