import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { socketBelow } from 'wsproxy-node/internals';
import type { Guard } from '../limits/guard.js';
import { Door } from './door.js';
import { known, type Refusal, refuseSocket } from './refusal.js';
import type { RefusalLog } from './refusal-log.js';

/**
 * Every connection from accept on until it is a transport or closed: each has one request and one answer, and a time for
 * both. Only a connection of somebody who was let in may bring another request afterwards, and has a time for that. They go by
 * the socket that was accepted, which with TLS is not the one that HTTP is spoken on.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #door: Door;
  /** By the connection that was accepted: what HTTP is spoken on, the same or, after its handshake, the one of TLS. */
  readonly #ready = new WeakMap<Socket, Duplex>();
  /**
   * Accepted connections that have had their one request, with its answer, or that were sent away: what they bring
   * besides counts for nothing.
   */
  readonly #answered = new WeakMap<Socket, ServerResponse | undefined>();
  /** Those that may bring another request, the oldest first. */
  readonly #kept = new Map<Socket, Kept>();
  /** Those that wait for an answer, and have brought no right body. */
  readonly #broken = new WeakSet<Socket>();
  /** Connections that others have accepted, and handed over. */
  readonly #handedOver = new Set<Socket>();
  #isClosed = false;

  constructor(options: ConnectionsOptions) {
    const { places, handshakeTimeout, isSecure, guard } = options;
    this.#options = options;
    this.#door = new Door({
      places,
      time: handshakeTimeout * (isSecure ? 2 : 1),
      onLate: (accepted) => this.#onLate(accepted),
      onCrowded: (accepted) => {
        this.#answered.set(accepted, undefined);
        guard?.hit('unauthenticated');
      },
      ...(guard !== undefined && { takeSocket: (accepted) => guard.takeConnection(accepted) }),
    });
  }

  /** Those that were closed because too many waited. */
  get dropped(): number {
    return this.#door.crowded;
  }

  /** It was accepted. */
  admit(accepted: Socket): void {
    this.#door.admit(accepted);
  }

  /** Its TLS, if there is any, is ready: `socket` can be answered. */
  setReady(socket: Socket): void {
    this.#ready.set(this.#acceptedBelow(socket), socket);
  }

  /** Of another server, with a request that was read: it is spoken on by `socket`. False once all are closed. */
  takeOver(connection: Socket, socket: Duplex): boolean {
    const accepted = this.#acceptedBelow(connection);
    if (!this.follow(accepted)) return false;
    this.#ready.set(accepted, socket);
    this.#door.admit(accepted);
    return true;
  }

  /** It was accepted elsewhere, so that the server here does not know when it is gone. False once all are closed. */
  follow(accepted: Socket): boolean {
    if (this.#isClosed) {
      accepted.destroy();
      return false;
    }
    this.#handedOver.add(accepted);
    accepted.once('close', () => this.#handedOver.delete(accepted));
    return true;
  }

  /**
   * Whether this is the one request that its connection has. It may then take so long to say who that is, and as long
   * again to answer.
   */
  begin({ socket }: IncomingMessage, response?: ServerResponse): boolean {
    const accepted = this.#acceptedBelow(socket);
    if (this.#answered.has(accepted)) {
      const before = this.#answered.get(accepted);
      // Nothing would bound what else comes beside a request that was let in.
      if (before?.shouldKeepAlive === false && !this.#door.has(accepted)) accepted.destroy();
      // Nobody answers this one, so none can follow.
      else if (before !== undefined) before.shouldKeepAlive = false;
      return false;
    }
    this.#answered.set(accepted, response);
    const time = 2 * this.#options.handshakeTimeout;
    if (this.#forget(accepted)) this.#door.readmit(accepted, time);
    else this.#door.setTime(accepted, time);
    return true;
  }

  /**
   * The request of `socket` was let in as one of `owner`, and is answered in its own time; its connection may bring another one
   * afterwards.
   */
  serve(socket: Socket, response: ServerResponse, owner: string): void {
    const accepted = this.#acceptedBelow(socket);
    this.leave(socket);
    response.once('finish', () => {
      const mayKeep = response.shouldKeepAlive && !this.#isClosed && this.#acceptedBelow(socket) === accepted;
      if (mayKeep && !socket.destroyed) this.#keep(accepted, socket, owner);
      else socket.destroySoon();
    });
  }

  /** Its requests are streams, which are followed elsewhere: nobody says a word of HTTP/1.1 on it. */
  leaveToStreams(socket: Socket): void {
    this.#answered.set(this.#acceptedBelow(socket), undefined);
  }

  /** A request has come by it: it may take as long as `begin` says. */
  giveTime(socket: Socket): void {
    this.#door.setTime(this.#acceptedBelow(socket), 2 * this.#options.handshakeTimeout);
  }

  /** By which the request of `socket` is answered, if it was an ordinary one. */
  responseOn(socket: Socket): ServerResponse | undefined {
    return this.#answered.get(this.#acceptedBelow(socket));
  }

  /** It has become a transport, or the part of one. */
  leave(socket: Socket): void {
    const accepted = this.#acceptedBelow(socket);
    this.#door.leave(accepted);
    this.#ready.delete(accepted);
    // Of an upgrade nothing more is heard here.
    if (this.#answered.get(accepted) === undefined) this.#answered.delete(accepted);
    if (this.#broken.has(accepted)) accepted.destroy();
  }

  /** Node has found no request in what has come on `socket`, or no TLS. */
  onInvalid(error: NodeJS.ErrnoException, socket: Socket): void {
    const accepted = this.#acceptedBelow(socket);
    if (this.#answered.has(accepted)) {
      // Of a body: its transport learns by the cut what has become of it; others get their answer first.
      if (this.#door.has(accepted)) this.#broken.add(accepted);
      else accepted.destroy();
      return;
    }
    if (!this.#ready.has(accepted)) {
      if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') this.#options.guard?.hit('upgradeTimeout');
      // One that comes and goes without a byte only looks whether somebody listens, as load balancers do all day.
      const isLook = error.code === 'ECONNRESET' && accepted.bytesRead === 0;
      // What is wrong with a client's certificate Node says only there.
      if (!isLook) this.#options.log.handshake(accepted, (socket as TLSSocket).authorizationError ?? error.code);
      socket.destroy();
    } else if (socket.writable) {
      const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
      this.#refuse(accepted, socket, isTooLarge ? known(431, 'too large') : known(400, 'malformed'), error.code);
    } else socket.destroy();
  }

  /** Resolves when all that have come have their answer, or after `time` ms. */
  settled(time: number): Promise<void> {
    return this.#door.settled(time);
  }

  /** Destroys all that wait, and admits none any more. Resolves when those that others have accepted are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#door.close();
    for (const accepted of [...this.#kept.keys()]) this.#drop(accepted);
    await Promise.all([...this.#handedOver].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  }

  #keep(accepted: Socket, socket: Socket, owner: string): void {
    this.#ready.set(accepted, socket);
    this.#answered.delete(accepted);
    // For the whole head of another request. One that says nothing is closed sooner (http-server.ts).
    const timer = setTimeout(() => this.#drop(accepted), this.#options.handshakeTimeout).unref();
    this.#kept.set(accepted, { owner, timer });
    if (this.#kept.size > this.#options.places) this.#drop(this.#oldestOfMost() ?? accepted);
  }

  /** Of the user who has most: a flood costs nobody else. */
  #oldestOfMost(): Socket | undefined {
    const counts = new Map<string, number>();
    let most = '';
    for (const { owner } of this.#kept.values()) {
      const count = (counts.get(owner) ?? 0) + 1;
      counts.set(owner, count);
      if (count > (counts.get(most) ?? 0)) most = owner;
    }
    for (const [accepted, { owner }] of this.#kept) if (owner === most) return accepted;
    return undefined;
  }

  #drop(accepted: Socket): void {
    this.#forget(accepted);
    accepted.destroy();
  }

  /** True for one that was kept. */
  #forget(accepted: Socket): boolean {
    clearTimeout(this.#kept.get(accepted)?.timer);
    return this.#kept.delete(accepted);
  }

  /** True when it is told so. */
  #onLate(accepted: Socket): boolean {
    const isAnswered = this.#answered.has(accepted);
    this.#options.guard?.hit('upgradeTimeout');
    const socket = this.#ready.get(accepted);
    if (!isAnswered && socket !== undefined) this.#refuse(accepted, socket, known(408, 'too late'));
    else this.#options.log.late(accepted);
    this.#answered.set(accepted, undefined);
    return !isAnswered && socket !== undefined;
  }

  /** Refuses what is no request. */
  #refuse(accepted: Socket, socket: Duplex, refusal: Refusal, code?: string): void {
    this.#answered.set(accepted, undefined);
    this.#options.log.connection(accepted, refusal, code);
    refuseSocket(socket, refusal.status);
  }

  /** Where Node does not say what TLS was put on, the port of the peer does, among those that wait. */
  #acceptedBelow(socket: Socket): Socket {
    const below = socketBelow(socket);
    if (below !== undefined || !(socket instanceof TLSSocket)) return below ?? socket;
    const { remoteAddress, remotePort } = socket;
    for (const waiting of this.#door.waiting) {
      if (waiting.remotePort === remotePort && waiting.remoteAddress === remoteAddress) return waiting;
    }
    return socket;
  }
}

interface Kept {
  /** Who was let in by it last. */
  readonly owner: string;
  /** When it has had its time for another request. */
  readonly timer: NodeJS.Timeout;
}

export interface ConnectionsOptions {
  /** That wait at a time; and as many are kept between two requests. */
  readonly places: number;
  /** For a complete request, from accept on, ms. */
  readonly handshakeTimeout: number;
  /** They begin with TLS, which has as long again. */
  readonly isSecure: boolean;
  readonly guard: Pick<Guard, 'hit' | 'takeConnection'> | undefined;
  readonly log: RefusalLog;
}
