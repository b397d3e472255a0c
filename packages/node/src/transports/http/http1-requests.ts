import { Agent, type ClientRequest, type ClientRequestArgs, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { boundInterim } from '../../sockets/bound-interim.js';
import type { WayToServer } from '../open-transport.js';
import { Http1Opening } from './http1-opening.js';
import type { Part, PartKind } from './part.js';
import { type Answer, headersFor, type Outcome, type Post, type Requests } from './requests.js';

/** Makes the requests of one transport, each on a connection that nobody else uses at the time. */
export class Http1Requests implements Requests {
  readonly id: string;
  readonly #way: WayToServer;
  readonly #agent: WayAgent;
  readonly #underWay = new Set<ClientRequest>();
  #headers: Readonly<Record<string, string>>;

  constructor(way: WayToServer, id: string) {
    this.id = id;
    this.#way = way;
    this.#headers = way.headers;
    this.#agent = new WayAgent(way);
  }

  get isOver(): boolean {
    return this.#agent.isOver;
  }

  letSleep(): void {
    this.#agent.letSleep();
  }

  ask(what: PartKind, n: number, outcome: Outcome): void {
    if (what !== 'open') {
      const post = (toTell: Outcome): void => void this.post(what, n, 0, toTell).body.end();
      return post({ ...outcome, onRested: () => post(outcome) });
    }
    const headers = { ...this.#headersFor({ id: this.id, what, n }, 0), connection: 'keep-alive' };
    const onAnswer = (answer: Answer): void => this.#onAnswer(answer, outcome);
    this.#agent.connection().then(
      (socket) => new Http1Opening(socket, this.#way.memory, this.#path, headers, { ...outcome, onAnswer }),
      (error: Error) => outcome.onFailed(error),
    );
  }

  post(what: PartKind, n: number, length: number | undefined, outcome: Outcome): Post {
    const made = request({
      agent: this.#agent,
      host: this.#way.url.hostname,
      method: 'POST',
      path: this.#path,
      maxHeaderSize: MAX_HEADER_SIZE,
      headers: this.#headersFor({ id: this.id, what, n }, length),
    });
    made.setNoDelay(true);
    this.#underWay.add(made);
    made.once('close', () => this.#underWay.delete(made));
    boundInterim(made, MAX_HEADER_SIZE, () => {
      made.destroy(new Error('the answer never comes: nothing but interim responses (1xx)'));
    });
    let before: number | undefined;
    made.once('socket', ({ bytesRead }) => {
      before = bytesRead;
    });
    made.once('error', (error) => {
      const isRested = made.reusedSocket && made.socket?.bytesRead === before && !this.isOver;
      if (!isRested || outcome.onRested === undefined) return outcome.onFailed(error);
      // They have rested for longer.
      this.#agent.closeFree();
      outcome.onRested();
    });
    // For good: one that fails late must not end the process.
    made.on('error', () => {});
    made.once('response', (body) => {
      const { statusCode: status = 0, headers } = body;
      body.on('error', () => {});
      this.#onAnswer({ status, headers, body, isWhole: () => body.complete }, outcome);
    });
    return { body: made };
  }

  #onAnswer(answer: Answer, outcome: Outcome): void {
    const { headersAfter } = this.#way;
    if (headersAfter !== undefined) this.#headers = headersAfter(answer.headers);
    outcome.onAnswer(answer);
  }

  get #path(): string {
    const { url, proxied } = this.#way;
    const path = `${url.pathname}${url.search}`;
    return proxied === undefined ? path : `http://${url.host}${path}`;
  }

  #headersFor(part: Part, length: number | undefined): Record<string, string | number> {
    return { host: this.#way.url.host, ...headersFor(this.#way, this.#headers, part, length) };
  }

  destroy(): void {
    for (const made of this.#underWay) made.destroy();
    this.#agent.destroy();
  }
}

/** Of an answer's head, and of all interim ones before it, bytes. */
const MAX_HEADER_SIZE = 16_384;
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

  /** Those that wait for their next request. */
  closeFree(): void {
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  letSleep(): void {
    this.#isAwake = false;
    for (const socket of this.#open) socket.unref();
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    this.connection().then(
      (socket) => {
        // It may be paused, and Node's HTTP client would leave it so.
        callback(null, socket.resume());
      },
      (error: Error) => callback(error, undefined as unknown as Duplex),
    );
    return undefined;
  }

  /** One more, that is nobody's yet. */
  async connection(): Promise<Socket> {
    const { socket } = await (this.#way.proxied ?? this.#way).connect();
    if (this.isOver) socket.destroy();
    else this.#take(socket);
    return socket;
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
    if (!this.#isAwake) socket.unref();
  }
}
