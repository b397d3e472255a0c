import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ignoreErrors, resetSocket } from 'wsproxy-node/sockets';
import { type ListenOptions, listenOn } from '../gateway/listen.js';
import type { Door } from './messages.js';

/**
 * Where connections wait of which no byte is read here: each goes to the worker that has least. A session stays where it
 * began, and as long as it lasts nothing else makes them even.
 */
export class Reception {
  readonly #options: ReceptionOptions;
  readonly #waiting: Socket[] = [];
  /** When each was given its last one. */
  readonly #given = new WeakMap<Taker, number>();
  #server: Server | undefined;
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  get isListening(): boolean {
    return this.#server?.listening === true;
  }

  /** Takes all that comes there. Resolves with the address, if it is one of TCP; rejects with the system's error. */
  async listen(options: ListenOptions): Promise<AddressInfo | undefined> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => this.take(socket));
    this.#server = server;
    const address = await listenOn(server, options);
    server.on('error', (error) => this.#options.onError(error));
    return address;
  }

  /** A connection has come, of which nothing is read. */
  take(socket: Socket): void {
    ignoreErrors(socket);
    if (this.#waiting.length >= this.#options.mostWaiting()) {
      resetSocket(socket);
      return this.#options.onCrowded();
    }
    this.#waiting.push(socket);
    this.serve();
  }

  /** A worker has become free. */
  serve(): void {
    const { crowd } = this.#options;
    crowd.delete(this);
    while (this.#waiting.length > 0) {
      const worker = this.#next();
      // Behind all others that wait for one.
      if (worker === undefined) return void crowd.add(this);
      const socket = this.#waiting.shift();
      if (socket !== undefined && !socket.destroyed) void this.#give(worker, socket);
    }
  }

  /** Nobody comes any more; those who wait are sent away. */
  close(): void {
    this.#server?.close();
    clearTimeout(this.#timer);
    this.#options.crowd.delete(this);
    for (const socket of this.#waiting.splice(0)) resetSocket(socket);
  }

  async #give(worker: Taker, socket: Socket): Promise<void> {
    this.#given.set(worker, performance.now());
    const isTaken = await worker.give(socket, this.#options.door());
    // Anyone who took it has a handle of its own.
    if (isTaken) socket.destroy();
    // The worker has died, or it is for another one: somebody else may serve it.
    else this.#waiting.unshift(socket);
    const isRefused = !isTaken && worker.isFree && this.#options.takers().includes(worker);
    if (isRefused) this.#serveIn(REFUSED_PAUSE);
    else this.serve();
  }

  /** Who has least, if it is free. */
  #next(): Taker | undefined {
    const takers = this.#options.takers();
    this.#turn += 1;
    let next: Taker | undefined;
    for (let tried = 0; tried < takers.length; tried += 1) {
      const taker = takers[(this.#turn + tried) % takers.length];
      if (taker !== undefined && this.#isBefore(taker, next)) next = taker;
    }
    if (next === undefined || next.isFree) return next;
    this.#serveIn(PATIENCE);
    return undefined;
  }

  #serveIn(time: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.serve(), time);
  }

  #isBefore(taker: Taker, other: Taker | undefined): boolean {
    if (!taker.isFree && !this.#isSoonFree(taker)) return false;
    if (other === undefined || taker.load < other.load) return true;
    return taker.load === other.load && taker.isFree && !other.isFree;
  }

  #isSoonFree(taker: Taker): boolean {
    return performance.now() - (this.#given.get(taker) ?? Number.NEGATIVE_INFINITY) < PATIENCE;
  }
}

/** Serves those of several receptions where somebody waits, each in its turn. */
export function serveCrowd(crowd: ReadonlySet<Reception>): void {
  for (const reception of [...crowd]) reception.serve();
}

/** How long one that has least is waited for while others are free, ms. */
const PATIENCE = 500;
/** Before one that has not taken a connection is given it again, if nobody else is to have it, ms. */
const REFUSED_PAUSE = 10;

export interface ReceptionOptions {
  /** As workers are told. */
  readonly door: () => Door;
  /** Who serves what comes now. */
  readonly takers: () => readonly Taker[];
  /** Connections that may wait for a worker; beyond them new ones are reset. */
  readonly mostWaiting: () => number;
  /** All receptions where somebody waits: it puts itself there. */
  readonly crowd: Set<Reception>;
  /** A connection was reset, since too many wait. */
  readonly onCrowded: () => void;
  /** The system could not accept one. */
  readonly onError: (error: Error) => void;
}

/** A worker, as far as connections have to know it. */
export interface Taker {
  readonly isFree: boolean;
  /** Sessions, or what will be some. */
  readonly load: number;
  give(connection: Socket, door: Door): Promise<boolean>;
}
