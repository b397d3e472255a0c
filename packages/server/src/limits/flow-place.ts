import type { Flow } from 'wsproxy-engine';
import type { FlowRoom } from 'wsproxy-node/dial/udp';
import type { User } from '../users/user.js';
import type { Account } from './account.js';
import type { AccountPace, PaceEvents } from './account-pace.js';
import type { Found, Guard } from './guard.js';
import type { RateBucket } from './rate-bucket.js';

/**
 * What one flow holds of what is there for all: a place among the flows of its user, and those of its sockets, until it is
 * over. What it carries counts as the bytes of channels do, but for one thing: what may not pass is not held up.
 */
export class FlowPlace implements FlowRoom, PaceEvents {
  readonly #guard: Guard;
  readonly #flow: Pick<Flow, 'close'>;
  readonly #user: User;
  readonly #newPeers: RateBucket;
  readonly #account: Account;
  readonly #pace: AccountPace;

  private constructor(guard: Guard, flow: Pick<Flow, 'close'>, user: User, newPeers: RateBucket) {
    this.#guard = guard;
    this.#flow = flow;
    this.#user = user;
    this.#newPeers = newPeers;
    this.#account = guard.accounts.of(user);
    this.#account.flows += 1;
    this.#pace = guard.accounts.paceOf(user, this);
  }

  /** A promise while other processes are asked; undefined when `user` has as much as they may (`guard.refusalOfFlow`). `newPeers`: of the session. `leave` has to follow. */
  static take(guard: Guard, flow: Pick<Flow, 'close'>, user: User, newPeers: RateBucket): Found<FlowPlace> {
    const { accounts } = guard;
    const take = () => new FlowPlace(guard, flow, user, newPeers);
    return guard.place(user, accounts.flowLimit(user), () => accounts.shareFlow(user), take);
  }

  takeSocket(): boolean {
    return this.#guard.passes(this.#user, this.#guard.accounts.takeSocket(this.#account));
  }

  releaseSocket(): void {
    this.#guard.accounts.releaseSocket(this.#account);
  }

  takeDestination(now: number): boolean {
    if (this.#newPeers.take(1, now)) return true;
    this.#guard.hit('newPeersPerSecond', this.#user.id);
    return false;
  }

  reserve(bytes: number): boolean {
    return this.#account.memory?.windows.reserve(bytes) ?? true;
  }

  release(bytes: number): void {
    this.#account.memory?.windows.release(bytes);
  }

  mayPass(direction: 'up' | 'down', bytes: number): boolean {
    return this.#pace.mayPassNow(direction, bytes);
  }

  /** As `Guard.bears`. */
  bears(): boolean {
    return this.#guard.bears(this.#account, this.#user);
  }

  onReceived(): void {
    if (!this.bears()) this.#guard.clock.defer(() => this.#flow.close('LIMIT_REACHED'));
  }

  onSlowed(limit: 'rateUp' | 'rateDown', rate: number): void {
    this.#guard.hit(limit, this.#user.id, rate);
  }

  onSpent(monthlyBytes: number): void {
    this.#guard.hitBy(this.#user, { limit: 'monthlyBytes', value: monthlyBytes, ofUser: true });
    // Not in the middle of a datagram.
    this.#guard.clock.defer(() => this.#flow.close('QUOTA_USED_UP'));
  }

  /** The flow is over. */
  leave(): void {
    this.#guard.accounts.endFlow(this.#account);
  }
}
