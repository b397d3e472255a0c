import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import type { Clock, Logger, SlabPool } from 'wsproxy-engine';
import { joinSockets } from 'wsproxy-node/sockets';
import { type Exchange, exchangeOf, wayOf } from 'wsproxy-node/transports';
import type { Entrance, HandedOn } from '../gateway/handing-on.js';
import { FloodLog } from '../limits/flood-log.js';
import type { Guard } from '../limits/guard.js';
import type { HandOnOutcome, ServerObserver } from '../observe/observer.js';
import type { UserDirectory } from '../users/directory.js';
import { answerStream } from './answer-stream.js';
import { askExchange } from './ask-exchange.js';
import { askOwner } from './ask-owner.js';
import { formatHanded, PROCESS } from './handed.js';
import { NOBODY } from './inner-door.js';
import type { Door, Hop, Neighbours } from './neighbours.js';
import { formatRoute, parseRoute, type Route } from './route.js';
import { headersAnew, writtenAnew } from './written-anew.js';

/**
 * Hands requests on to the process that has their session, as a reverse proxy does: before the upgrade, judged once where they
 * came in, and joined as bytes from then on.
 */
export class HandOn {
  readonly #options: HandOnOptions;
  readonly #lines: FloodLog;
  /** Connections to other processes, those that have not answered among them. */
  readonly #connections = new Set<Duplex>();
  #isClosed = false;

  constructor(options: HandOnOptions) {
    this.#options = options;
    const { logger, clock } = options;
    this.#lines = new FloodLog((fields, message) => logger.warn(fields, message), clock);
  }

  /** Connections of clients that are passed on now. */
  get size(): number {
    return this.#connections.size;
  }

  /** What came by `door`. */
  async handOn(entrance: Entrance, door: Door): Promise<HandedOn> {
    const route = parseRoute(String(entrance.arrival.request.headers['wsproxy-route'] ?? ''));
    const hop = route && this.#options.neighbours.hopTo(route, door);
    if (route === undefined || this.#isClosed) return 'here';
    if (hop === undefined) {
      if (this.#options.neighbours.isLost(route, door)) this.#tellLost(entrance, route);
      return 'here';
    }
    const { clock, logger, observer } = this.#options;
    const began = clock.now();
    const { outcome, error } = await this.#pass(entrance, route, hop);
    observer.onHandOn?.(outcome);
    const fields = { user: entrance.user.id, ...entrance.caller, route: formatRoute(route), outcome };
    logger.debug({ ...fields, ms: Math.round(clock.now() - began) }, 'handed a request on');
    if (outcome === 'gone') return 'here';
    if (outcome !== 'unanswered') return 'answered';
    const [source, why] = [{ source: route.node }, { ...fields, err: error }];
    if (isOfCertificate(error)) this.#lines.write(source, why, FOREIGN);
    else this.#lines.write(source, why, 'the process that has a session does not answer');
    return { unanswered: formatRoute(route) };
  }

  #tellLost({ user, caller }: Entrance, route: Route): void {
    // Anyone who makes up routes costs the lines of nobody else.
    const fields = { user: user.id, ...caller, route: formatRoute(route) };
    this.#lines.write(
      { source: user.id },
      fields,
      'a client comes back for a session of a server that is not known here',
    );
  }

  /** Cuts every connection that is passed on: the session of each lives on elsewhere, and its client comes back. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.destroy();
    this.#lines.flush();
  }

  async #pass(entrance: Entrance, route: Route, hop: Hop): Promise<Outcome> {
    const { arrival } = entrance;
    const exchange = exchangeOf(arrival);
    if (exchange !== undefined) return this.#passExchange(entrance, exchange, route, hop);
    const { request } = arrival;
    const socket = 'socket' in arrival ? arrival.socket : wayOf(request);
    const head = 'head' in arrival ? arrival.head : undefined;
    let bytes: Buffer;
    try {
      bytes = writtenAnew(request, route, this.#handedOf(entrance));
    } catch (error) {
      return { outcome: 'unanswered', error };
    }
    const { guard, clock, secureContext, memory } = this.#options;
    const reply = await askOwner(bytes, {
      hop,
      clock,
      secureContext: secureContext(),
      client: socket,
      takeConnection: (connection) => guard.takeConnection(connection),
      onConnection: (connection) => this.#keep(connection),
    });
    if (!('connection' in reply)) return reply;
    const { connection, answer, status } = reply;
    if (socket.destroyed || connection.destroyed) {
      connection.destroy();
      return { outcome: 'left' };
    }
    const isOpen = status === 101;
    // Until then it waits at the door, and has its time: also for a refusal.
    if (isOpen) entrance.leaveDoor();
    if ('stream' in arrival) answerStream(arrival.stream, answer);
    else socket.write(answer);
    if (isOpen && head !== undefined && head.length > 0) connection.write(head);
    joinSockets(socket, connection, memory);
    return { outcome: isOpen ? 'passed' : 'refused' };
  }

  async #passExchange(entrance: Entrance, exchange: Exchange, route: Route, hop: Hop): Promise<Outcome> {
    const { guard, clock, secureContext } = this.#options;
    try {
      const taken = await askExchange(exchange, {
        ...{ hop, clock, isOpening: !entrance.isPart },
        headers: headersAnew(exchange.request, route, this.#handedOf(entrance)),
        secureContext: secureContext(),
        takeConnection: (connection) => guard.takeConnection(connection),
        onConnection: (connection) => this.#keep(connection),
      });
      if (taken !== 'passed') return taken;
      entrance.leaveDoor();
      return { outcome: 'passed' };
    } catch (error) {
      return { outcome: 'unanswered', error };
    }
  }

  #keep(connection: Duplex): void {
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
  }

  #handedOf({ user, caller }: Entrance): string {
    const { directory } = this.#options;
    if (user === NOBODY) return PROCESS;
    if (directory !== undefined) return formatHanded({ user: directory.nameOf(user), from: caller });
    return formatHanded({ user: { id: user.id, token: '' }, whole: user, from: caller });
  }
}

/** What Node says of one that it does not trust (X509_V_ERR_... of OpenSSL). */
function isOfCertificate(error: unknown): boolean {
  return /CERT|VERIFY/.test(String((error as NodeJS.ErrnoException | undefined)?.code));
}

const FOREIGN =
  'another server has no valid certificate of --cluster-ca: give all of them certificates of one authority';

interface Outcome {
  readonly outcome: HandOnOutcome;
  readonly error?: unknown;
}

export interface HandOnOptions {
  readonly neighbours: Neighbours;
  /** Undefined where no process knows the users by itself. */
  readonly directory: Pick<UserDirectory, 'nameOf'> | undefined;
  /** For other nodes; it may change. */
  readonly secureContext: () => SecureContext | undefined;
  readonly clock: Clock;
  /** That what passes is read into. */
  readonly memory: SlabPool;
  readonly logger: Logger;
  readonly observer: ServerObserver;
  readonly guard: Pick<Guard, 'takeConnection'>;
}
