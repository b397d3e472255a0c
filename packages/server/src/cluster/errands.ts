import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import {
  type Channel,
  type Clock,
  CloseCode,
  type FailureCode,
  Greeter,
  Session,
  type SlabPool,
  type Timer,
  type Transport,
  TunnelError,
} from 'wsproxy-engine';
import type { ChannelStream } from 'wsproxy-node/relay';
import { ignoreErrors, KEEPALIVE_DELAY } from 'wsproxy-node/sockets';
import { openWebSocket } from 'wsproxy-node/transports';
import type { Guard } from '../limits/guard.js';
import { connectToHop } from './connect-to-hop.js';
import { type Errand, encodeRecord, readRecord, type Said } from './errand.js';
import { HANDED, PROCESS } from './handed.js';
import type { Hop, Neighbours } from './neighbours.js';
import { formatRoute, type Route } from './route.js';

/**
 * Asks other processes to do errands. All that go to one process share one session with it, whose channels they are: thousands cost one
 * connection, and each waits by itself when it is not read. News have one of their own, since that is never over. It is never resumed: what has a process lost, its client has lost too.
 */
export class Errands {
  readonly #options: ErrandsOptions;
  /** By route, and what they are for. */
  readonly #sessions = new Map<string, Promise<Session>>();
  readonly #reached = new Set<string>();
  readonly #living = new Set<Session>();
  #isClosed = false;

  constructor(options: ErrandsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the other process has begun it. Rejects with an `UnreachableError` when it was never asked, with a TunnelError when it
   * has said no, or was lost before it could answer. `toStream` makes what it carries from there on, behind the answer.
   */
  async send<S extends ChannelStream>(
    route: Route,
    errand: Errand,
    toStream: ToStream<S>,
    signal?: AbortSignal,
  ): Promise<S> {
    const session = await this.#sessionWith(route, errand.kind === 'sessions' ? NEWS : ERRANDS);
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        channel.reset();
        reject(signal?.reason);
      };
      const fail = (code: FailureCode): void => {
        signal?.removeEventListener('abort', onAbort);
        reject(new TunnelError(code));
      };
      const onOpen = (): void => {
        readRecord(channel, (answer, { rest }) => {
          if (answer === undefined) return fail('SESSION_LOST');
          signal?.removeEventListener('abort', onAbort);
          // At once: what comes next is for the stream.
          const stream = toStream(channel, answer);
          if (rest.length > 0) stream.unshift(rest);
          resolve(stream);
        });
      };
      const channel: Channel = session.open(TARGET, { onOpen, onFail: fail });
      channel.write(encodeRecord(errand));
      signal?.addEventListener('abort', onAbort);
    });
  }

  /** It has been reached, and is not known to be lost. */
  isReached(route: Route): boolean {
    return [ERRANDS, NEWS].some((what) => this.#reached.has(formatRoute(route) + what));
  }

  /** Ends all of them. */
  close(): void {
    this.#isClosed = true;
    for (const session of [...this.#living]) session.leave('the server is stopping');
  }

  #sessionWith(route: Route, what: string): Promise<Session> {
    const key = formatRoute(route) + what;
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const begun = this.#begin(route, () => {
      if (this.#sessions.get(key) !== begun) return;
      this.#sessions.delete(key);
      this.#reached.delete(key);
    });
    this.#sessions.set(key, begun);
    begun.then(
      () => this.#reached.add(key),
      () => this.#sessions.delete(key),
    );
    return begun;
  }

  async #begin(route: Route, forget: () => void): Promise<Session> {
    const { neighbours, clock, memory } = this.#options;
    const hop = neighbours.hopTo(route, 'public');
    if (hop === undefined || this.#isClosed) throw new UnreachableError(route, 'it is not known here');
    const giveUp = new AbortController();
    const timer = clock.setTimer(() => giveUp.abort(), ANSWER_TIME);
    let idle: Timer | undefined;
    const session: Session = new Session({
      ...{ role: 'client', clock, memory, heartbeat: HEARTBEAT },
      onDetached: ({ reason }) => session.close(reason, CloseCode.normal),
      onNumbersLow: forget,
      onIdle: () => {
        idle?.cancel();
        idle = clock.setTimer(() => {
          if (session.isIdle) session.leave('there is nothing to do');
        }, IDLE_TIME);
      },
      onClosed: () => {
        idle?.cancel();
        this.#living.delete(session);
        forget();
        giveUp.abort();
      },
    });
    this.#living.add(session);
    try {
      const transport = await this.#connect(route, hop, giveUp);
      await new Promise<void>((resolve, reject) => {
        giveUp.signal.addEventListener('abort', () => reject(new Error('it has not answered')));
        new Greeter(session, 0).greet(transport, resolve);
      });
      return session;
    } catch (error) {
      session.close('it could not be reached', CloseCode.normal);
      throw new UnreachableError(route, 'it does not answer', { cause: error });
    } finally {
      timer.cancel();
    }
  }

  #connect(route: Route, hop: Hop, giveUp: AbortController): Promise<Transport> {
    const { signal } = giveUp;
    const { memory, guard, secureContext } = this.#options;
    const connect = async () => {
      const { socket, ready } = connectToHop(hop, secureContext());
      ignoreErrors(socket);
      const isOpen = opened(socket, ready);
      if (signal.aborted || !guard.takeConnection(socket)) socket.destroy();
      signal.addEventListener('abort', () => socket.destroy());
      await isOpen;
      socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_DELAY);
      return { socket, isPrivate: true };
    };
    const headers = { 'Wsproxy-Route': formatRoute(route), [HANDED]: PROCESS };
    const onAnswer = (_status: number, answer: IncomingHttpHeaders): void => {
      // Where it is gone another one of its node answers.
      if (answer['wsproxy-route'] !== formatRoute(route)) giveUp.abort();
    };
    return openWebSocket({ url: new URL('ws://wsproxy/'), headers, memory, onAnswer, connect }, signal);
  }
}

function opened(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve).once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

/** The other process was never asked. */
export class UnreachableError extends Error {
  constructor(route: Route, reason: string, options?: ErrorOptions) {
    super(`the process ${formatRoute(route)} cannot be reached: ${reason}`, options);
  }
}

type ToStream<S> = (channel: Channel, answer: Said) => S;

export interface ErrandsOptions {
  readonly neighbours: Neighbours;
  /** For other nodes; it may change. */
  readonly secureContext: () => SecureContext | undefined;
  readonly clock: Clock;
  readonly memory: SlabPool;
  readonly guard: Pick<Guard, 'takeConnection'>;
}

/** What a session is for. */
const ERRANDS = '';
const NEWS = ' news';
/** It says nothing: the errand stands in the first record. */
const TARGET = { host: 'errand.invalid', port: 1 };
/** To connect and to begin, ms. */
const ANSWER_TIME = 5_000;
/** Without an errand, ms. */
const IDLE_TIME = 60_000;
/** Somebody waits in vain until a process is known to be lost, ms. */
const HEARTBEAT = 5_000;
