import { Agent, type ClientRequest, type ClientRequestArgs, type OutgoingHttpHeaders, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WayToServer } from '../open-transport.js';
import { formatPart, type PartKind, TRANSPORT_HEADER } from './part.js';

/** Makes the requests of one transport, each on a connection that nobody else uses at the time. */
export class Requests {
  readonly id: string;
  readonly #way: WayToServer;
  readonly #agent: WayAgent;
  readonly #underWay = new Set<ClientRequest>();
  #headers: OutgoingHttpHeaders;

  constructor(way: WayToServer, id: string) {
    this.id = id;
    this.#way = way;
    this.#headers = way.headers;
    this.#agent = new WayAgent(way);
  }

  /** `destroy` was called. */
  get isOver(): boolean {
    return this.#agent.isOver;
  }

  /** From here on the requests carry these headers. */
  goOnWith(headers: Readonly<Record<string, string>>): void {
    this.#headers = headers;
  }

  /** From here on the connections do not keep the process alive. */
  letSleep(): void {
    this.#agent.letSleep();
  }

  /** Begins one. `length`: of the body, bytes; undefined for one without end. Anyone who calls it listens to its errors. */
  post(what: PartKind, n: number, length: number | undefined): ClientRequest {
    const { url, proxied } = this.#way;
    const path = `${url.pathname}${url.search}`;
    const made = request({
      agent: this.#agent,
      host: url.hostname,
      method: 'POST',
      path: proxied === undefined ? path : `http://${url.host}${path}`,
      maxHeaderSize: MAX_HEADER_SIZE,
      headers: {
        host: url.host,
        ...this.#headers,
        ...proxied?.headers,
        'content-type': 'application/octet-stream',
        'cache-control': 'no-store',
        [TRANSPORT_HEADER]: formatPart({ id: this.id, what, n }),
        ...(length !== undefined && { 'content-length': length }),
      },
    });
    made.setNoDelay(true);
    this.#underWay.add(made);
    made.once('close', () => this.#underWay.delete(made));
    return made;
  }

  /** Cuts those that are under way, and all connections. */
  destroy(): void {
    for (const made of this.#underWay) made.destroy();
    this.#agent.destroy();
  }
}

/** Of an answer's head, bytes. */
export const MAX_HEADER_SIZE = 16_384;
/** A connection that nobody has used for so long is used no more, ms: a proxy may be about to close it. */
const REST = 4_000;

class WayAgent extends Agent {
  readonly #way: WayToServer;
  readonly #open = new Set<Socket>();
  #isAwake = true;
  isOver = false;

  constructor(way: WayToServer) {
    super({ keepAlive: true, maxFreeSockets: 2, timeout: REST, scheduling: 'lifo' });
    this.#way = way;
  }

  letSleep(): void {
    this.#isAwake = false;
    for (const socket of this.#open) socket.unref();
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    (this.#way.proxied ?? this.#way).connect().then(
      ({ socket }) => {
        if (this.isOver) socket.destroy();
        else this.#take(socket);
        callback(null, socket);
      },
      (error: Error) => callback(error, undefined as unknown as Duplex),
    );
    return undefined;
  }

  override reuseSocket(socket: Duplex, made: ClientRequest): void {
    super.reuseSocket(socket, made);
    if (!this.#isAwake) (socket as Socket).unref();
  }

  override destroy(): void {
    this.isOver = true;
    super.destroy();
    for (const socket of this.#open) socket.destroy();
  }

  #take(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    // It may be paused, and Node's HTTP client would leave it so.
    socket.resume();
    if (!this.#isAwake) socket.unref();
  }
}
