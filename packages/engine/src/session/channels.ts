import type { SessionChannel } from '../channel/session-channel.js';
import { violation } from '../errors.js';
import { holds } from '../invariant.js';

export type Role = 'client' | 'server';

/** The last channel number of either parity. Numbers are never used again, so a session is renewed before they run out. */
const LAST_ID = 0xffff_ffff;
/** Of the numbers, how many may be given before few are left. */
const PLENTY = 3 / 4;

/**
 * The living channels of a session, and the numbers given so far to channels, flows and listeners: odd ones by the client, even ones
 * by the server.
 */
export class Channels {
  /** Undefined, not empty. */
  #living: Map<number, SessionChannel> | undefined;
  readonly #last: number;
  #nextOwn: number;
  #lastOfPeer: number;
  /** Of the living, those that the peer has opened. */
  #ofPeer = 0;

  /** `last`: the highest number. */
  constructor(role: Role, last: number = LAST_ID) {
    this.#last = last;
    this.#nextOwn = role === 'client' ? 1 : 2;
    // One step before the peer's first number: -1 for a server (the client begins with 1), 0 for a client.
    this.#lastOfPeer = role === 'client' ? 0 : -1;
  }

  get size(): number {
    return this.#living?.size ?? 0;
  }

  /** Of these, those that the peer has opened. */
  get sizeOfPeer(): number {
    return this.#ofPeer;
  }

  /** It is one of the peer's numbers. */
  isOfPeer(id: number): boolean {
    return id % 2 !== this.#nextOwn % 2;
  }

  /** Undefined when the numbers have run out. */
  takeId(): number | undefined {
    if (this.#nextOwn > this.#last) return undefined;
    const id = this.#nextOwn;
    this.#nextOwn += 2;
    return id;
  }

  /** This one is the first number with which few are left; `before`: the one that was used before it. */
  isFirstOfFew(id: number, before: number = id - 2): boolean {
    const few = this.#last * PLENTY;
    return id >= few && before < few;
  }

  /** Takes note of a number that the peer gave; each must be of its parity and above the last, which is returned. */
  checkPeerId(id: number): number {
    const before = this.#lastOfPeer;
    const step = id - before;
    if (step <= 0 || step % 2 !== 0) throw violation(`channel ${id} is opened after ${before}`);
    this.#lastOfPeer = id;
    return before;
  }

  /** A channel of this number lives. */
  has(id: number): boolean {
    return this.#living?.has(id) === true;
  }

  add(channel: SessionChannel): void {
    this.#living ??= new Map();
    holds(!this.#living.has(channel.id), 'two channels have one number');
    this.#living.set(channel.id, channel);
    if (this.isOfPeer(channel.id)) this.#ofPeer += 1;
  }

  remove(channel: SessionChannel): void {
    if (this.#living?.delete(channel.id) === true && this.isOfPeer(channel.id)) this.#ofPeer -= 1;
    if (this.#living?.size === 0) this.#living = undefined;
  }

  /** Undefined for a channel that is over: what still arrives for it has crossed our FIN or RESET on the way. */
  find(id: number): SessionChannel | undefined {
    const channel = this.#living?.get(id);
    if (channel !== undefined) return channel;
    if (this.isOfPeer(id) ? id > this.#lastOfPeer : id >= this.#nextOwn) {
      throw violation(`a frame for channel ${id}, which was never opened`);
    }
    return undefined;
  }

  /** A copy, so that channels may end while it is walked. */
  all(): SessionChannel[] {
    return this.#living === undefined ? [] : [...this.#living.values()];
  }
}
