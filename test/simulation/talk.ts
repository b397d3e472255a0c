import type { Channel, FailureCode, OfferedChannel, Target } from 'wsproxy-engine';
import { sessionSide } from 'wsproxy-test-support/engine/session-side';
import { Speaker } from 'wsproxy-test-support/engine/speaker';
import type { SimProcess } from './sim-server.js';

/**
 * One connection of an application: its own end, and the destination's, each with bytes of its own. The application is at the client;
 * or it comes to a remote listener, and the destination is the client's.
 */
export class Talk {
  readonly near: Speaker;
  far: Speaker;
  readonly target: Target;
  /** The process that has dialled it, or that it has come to. */
  process: SimProcess | undefined;
  /** Nobody knows whether it was dialled, or the session under it could not go on. */
  excuse: string | undefined;
  readonly #index: number;

  constructor(index: number) {
    this.#index = index;
    this.near = new Speaker(`application ${index}`, 2 * index, 2 * index + 1);
    this.far = this.#newDestination();
    this.target = { host: `t${index}.example`, port: index + 1 };
  }

  /** It has come to a remote listener of `process`, and was told of there. */
  arrive(channel: Channel, process: SimProcess): void {
    this.near.channel = channel;
    this.process = process;
  }

  /** A server dials, or the client: once, or nothing was said the first time. */
  offer(channel: OfferedChannel, process?: SimProcess): void {
    if (process !== undefined) this.process = process;
    if (this.far.channel !== undefined) {
      if (this.far.read > 0) throw new Error(`request ${this.#index} ran twice`);
      this.far = this.#newDestination();
    }
    const { far } = this;
    far.channel = channel;
    channel.onAbandoned(() => far.onReset('CANCELLED'));
  }

  #newDestination(): Speaker {
    return new Speaker(`destination ${this.#index}`, 2 * this.#index + 1, 2 * this.#index);
  }

  /** The request has left, and is not answered: when its transport is lost nobody knows what became of it. */
  get isUnderWay(): boolean {
    const { channel } = this.near;
    return this.isWaiting && channel !== undefined && !sessionSide(channel).isUnsent;
  }

  /** The request is not answered yet. */
  get isWaiting(): boolean {
    const state = this.near.channel?.state;
    return state?.opening === 'requested' && !state.dead;
  }

  get isOver(): boolean {
    const { near, far } = this;
    const isDone = (one: Speaker): boolean => one.isOver || one.killed !== undefined;
    return isDone(near) && (far.channel === undefined || isDone(far));
  }

  /** No matter what happened: no byte that nobody wrote, none missing before an end. And without an excuse, no failure. */
  verify(): void {
    const { near, far } = this;
    const failures = [near.failure, near.sawReset, far.sawReset].filter((code) => code !== undefined && isOurs(code));
    if (failures.length > 0 && this.excuse === undefined) {
      throw new Error(`connection ${this.#index} failed with ${failures.join()}, and nothing has happened to it`);
    }
    const isLost = failures.length > 0;
    if (far.channel === undefined) {
      if (near.sawEnd || near.read > 0) throw new Error(`application ${this.#index} heard of nobody`);
      if (near.killed === undefined && !isLost) throw new Error(`connection ${this.#index} was never dialled`);
      return;
    }
    near.checkAgainst(far, isLost);
    far.checkAgainst(near, isLost);
  }

  toString(): string {
    const of = (one: Speaker): object => ({
      ...one.channel?.state,
      written: one.written,
      read: one.read,
      killed: one.killed,
      failure: one.failure ?? one.sawReset,
    });
    return JSON.stringify([this.#index, of(this.near), of(this.far)]);
  }
}

/** Failures that the tunnel makes, not one of the two ends. */
const OURS: ReadonlySet<FailureCode> = new Set([
  'SESSION_LOST',
  'TUNNEL_DOWN',
  'GOING_AWAY',
  'LIMIT_REACHED',
  'INTERNAL',
  'BAD_TARGET',
]);

function isOurs(code: FailureCode): boolean {
  return OURS.has(code);
}
