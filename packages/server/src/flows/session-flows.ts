import type { Guard } from '../limits/guard.js';
import type { RateBucket } from '../limits/rate-bucket.js';
import type { FlowRecord } from '../observe/observer.js';
import type { User } from '../users/user.js';
import type { FlowInfo } from './flow-info.js';
import type { LivingFlow, SessionOfFlows } from './session-of-flows.js';

/** The flows of one session, from its first one on, and what those that are over have amounted to. */
export class SessionFlows implements SessionOfFlows {
  readonly newPeers: RateBucket;
  readonly #session: FlowingSession;
  readonly #living = new Set<LivingFlow>();
  #flows = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(session: FlowingSession, guard: Guard) {
    this.#session = session;
    this.newPeers = guard.newPeers();
  }

  get id(): string {
    return this.#session.shortId;
  }

  get user(): User {
    return this.#session.user;
  }

  get isProbe(): boolean {
    return this.#session.caller.probe === true;
  }

  get isAway(): boolean {
    return this.#session.awaySince !== undefined;
  }

  /** Of those that are over. */
  get figures(): { readonly flows: number; readonly flowBytesUp: number; readonly flowBytesDown: number } {
    return { flows: this.#flows, flowBytesUp: this.#bytesUp, flowBytesDown: this.#bytesDown };
  }

  /** Those that are open. */
  describe(): FlowInfo[] {
    return [...this.#living].map(({ info }) => info);
  }

  onFlowOpened(flow: LivingFlow): void {
    this.#living.add(flow);
  }

  onFlowOver(flow: LivingFlow, { bytesUp, bytesDown }: FlowRecord): void {
    this.#living.delete(flow);
    this.#flows += 1;
    this.#bytesUp += bytesUp;
    this.#bytesDown += bytesDown;
  }
}

/** The session itself, as far as it is needed for that. */
export interface FlowingSession {
  readonly shortId: string;
  readonly user: User;
  readonly caller: { readonly probe?: true | undefined };
  readonly awaySince: number | undefined;
}
