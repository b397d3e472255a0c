import type { Session } from 'wsproxy-engine';
import type { FlowInfo } from '../flows/flow-info.js';
import type { Guard } from '../limits/guard.js';
import type { RateBucket } from '../limits/rate-bucket.js';
import type { ArrivalRecord, FlowRecord } from '../observe/observer.js';
import type { User } from '../users/user.js';
import type { ArrivalInfo } from './arrival-info.js';
import type { ListenerInfo } from './listener-info.js';
import type { LivingArrival, LivingListener, LivingPeer, SessionOfListeners } from './session-of-listeners.js';

/** The remote listeners of one session, from its first one on, and what has come by them. */
export class SessionListeners implements SessionOfListeners {
  readonly newPeers: RateBucket;
  readonly living: Set<LivingArrival> = new Set();
  readonly peers: Set<LivingPeer> = new Set();
  readonly #session: ListeningSession;
  readonly #listeners = new Set<LivingListener>();
  #arrivals = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(session: ListeningSession, guard: Guard) {
    this.#session = session;
    this.newPeers = guard.newPeers();
  }

  get id(): string {
    return this.#session.shortId;
  }

  get user(): User {
    return this.#session.user;
  }

  get session(): Session {
    return this.#session.session;
  }

  /** Of connections, and of those who have sent datagrams, once they are over. */
  get figures(): { readonly arrivals: number; readonly arrivalBytesUp: number; readonly arrivalBytesDown: number } {
    return { arrivals: this.#arrivals, arrivalBytesUp: this.#bytesUp, arrivalBytesDown: this.#bytesDown };
  }

  /** It has none at present, nor asks for one. */
  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  describe(): ListenerInfo[] {
    return [...this.#listeners].map(({ info }) => info);
  }

  /** Connections that have come, and live. */
  describeArrivals(): ArrivalInfo[] {
    return [...this.living].map(({ info }) => info);
  }

  /** Flows of those who send datagrams. */
  describeFlows(): FlowInfo[] {
    return [...this.peers].map(({ info }) => info);
  }

  /** Its client is away. */
  onAway(): void {
    for (const listener of this.#listeners) listener.onAway();
  }

  onListenerAsked(listener: LivingListener): void {
    this.#listeners.add(listener);
  }

  onListenerOver(listener: LivingListener): void {
    this.#listeners.delete(listener);
  }

  onArrivalOver({ bytesUp, bytesDown }: ArrivalRecord | FlowRecord): void {
    this.#arrivals += 1;
    this.#bytesUp += bytesUp;
    this.#bytesDown += bytesDown;
  }
}

/** The session itself, as far as it is needed for that. */
export interface ListeningSession {
  readonly shortId: string;
  readonly user: User;
  readonly session: Session;
}
