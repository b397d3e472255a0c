import { Agent, type ClientRequest, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NameLimits } from './name-limits.js';
import type { StreamEnd } from './stream-pair.js';

/** Keeps the connections of an owner for further requests, by the name that was asked for: one is never used for two names. */
export class KeptConnections extends Agent {
  readonly #open: (name: string) => StreamEnd;
  readonly #limits: NameLimits;
  readonly #idle = new Map<Duplex, NodeJS.Timeout>();
  /** Those that lead to the client that the owner has now. */
  #fresh = new WeakSet<Duplex>();

  constructor(open: (name: string) => StreamEnd, limits: NameLimits) {
    super({ keepAlive: true, maxFreeSockets: limits.keptPerOwner });
    this.#open = open;
    this.#limits = limits;
  }

  /** Called by Node for a request that finds none. */
  override createConnection({ host }: ClientRequestArgs): StreamEnd {
    const connection = this.#open(host ?? '');
    this.#fresh.add(connection);
    connection.once('close', () => this.#leave(connection));
    return connection;
  }

  /** What connections are kept by. */
  override getName({ host }: { host?: string | undefined } = {}): string {
    return host ?? '';
  }

  /** Called by Node for one whose request has been answered; false: it is closed. */
  override keepSocketAlive(connection: Duplex): boolean {
    if (this.#idle.size >= this.#limits.keptPerOwner || !this.#fresh.has(connection)) return false;
    const timer = setTimeout(() => this.#giveUp(connection), this.#limits.keptTime).unref();
    this.#idle.set(connection, timer);
    return true;
  }

  /** Called by Node for one that was kept, and has a request again. */
  override reuseSocket(connection: Duplex, request: ClientRequest): void {
    this.#leave(connection);
    super.reuseSocket(connection, request);
  }

  /** The owner has another client: what is under way may end. */
  drop(): void {
    this.#fresh = new WeakSet();
    for (const connection of this.#idle.keys()) this.#giveUp(connection);
  }

  /** Ends one that is idle, as a socket would be: its service need not take it for lost. */
  #giveUp(connection: Duplex): void {
    this.#leave(connection);
    // By which Node forgets it.
    connection.emit('agentRemove');
    connection.end();
    const timer = setTimeout(() => connection.destroy(), this.#limits.keptTime).unref();
    connection.once('close', () => clearTimeout(timer));
  }

  #leave(connection: Duplex): void {
    clearTimeout(this.#idle.get(connection));
    this.#idle.delete(connection);
  }
}
