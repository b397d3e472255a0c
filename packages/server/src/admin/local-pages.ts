import { type Server as HttpServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Logger, systemClock } from 'wsproxy-engine';
import { LOCAL_PAGE_HEADERS, refuseLocalPage } from 'wsproxy-node/pages';
import { Door } from '../gateway/door.js';
import { createHttpServer } from '../gateway/http-server.js';
import { type ListenOptions, listenOn } from '../gateway/listen.js';
import { FloodLog } from '../limits/flood-log.js';
import type { Server } from '../server.js';

/**
 * Serves pages about a server, one for each connection. There is no password: who may connect is decided by where they
 * listen.
 */
export class LocalPages {
  readonly #server: Pick<Server, 'neverDial'>;
  readonly #options: LocalPagesOptions;
  readonly #http: HttpServer;
  readonly #door: Door;
  readonly #log: FloodLog;
  /** They have had their one request. */
  readonly #answered = new WeakSet<Socket>();
  /** Undefined on a Unix socket. */
  #listenHost: string | undefined;

  constructor(server: Pick<Server, 'neverDial'>, options: LocalPagesOptions) {
    this.#server = server;
    this.#options = options;
    const { places, time, logger } = options;
    this.#log = new FloodLog((fields, message) => logger.warn(fields, message), systemClock);
    const onCrowded = (): void =>
      this.#log.write({ source: '' }, { places }, 'too many connections for the admin pages, one was closed');
    this.#door = new Door({ places, time, onCrowded });
    this.#http = createHttpServer(time);
    this.#http.on('connection', (socket: Socket) => this.#door.admit(socket));
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      this.#http.on(event, (request: IncomingMessage, response: ServerResponse) => this.#onRequest(request, response));
    }
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
      this.#door.close();
      this.#log.flush();
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (this.#answered.has(socket)) return;
    this.#answered.add(socket);
    this.#door.setTime(socket, this.#options.time);
    this.#answer(request).then(
      (page) => send(response, page),
      (error: unknown) => {
        this.#options.logger.error({ err: error }, 'an admin page failed');
        send(response, plain(500));
      },
    );
  }

  async #answer(request: IncomingMessage): Promise<Page> {
    const refusal = refuseLocalPage(request, this.#listenHost, this.#options.hosts);
    if (refusal !== undefined) return plain(refusal);
    return this.#options.answer((request.url ?? '').split('?', 1).join());
  }
}

export interface LocalPagesOptions {
  /** Connections at a time; beyond them one of those there is closed for each new one. */
  readonly places: number;
  /** For a request, from accept on, and for its answer as long again, ms. */
  readonly time: number;
  /** Names that it may be asked by, beside that of the address. */
  readonly hosts: readonly string[];
  readonly answer: (path: string) => Page | Promise<Page>;
  readonly logger: Logger;
}

export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface AdminOptions {
  /** Default: silent. */
  readonly logger?: Logger;
  /** Names that the pages may be asked by, as a `Host`, beside that of the address: of a container, of a service. Default: none. */
  readonly hosts?: readonly string[];
}

export function plain(status: number, body = `${STATUS_CODES[status]}\n`): Page {
  return { status, type: 'text/plain; charset=utf-8', body };
}

function send(response: ServerResponse, { status, type, body }: Page): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    ...LOCAL_PAGE_HEADERS,
    // RFC 9110 section 15.5.6.
    ...(status === 405 && { Allow: 'GET' }),
    Connection: 'close',
  });
  response.end(body);
}
