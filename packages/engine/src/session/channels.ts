import type { SessionChannel } from '../channel/session-channel.js';
import { violation } from '../errors.js';
import { holds } from '../invariant.js';

export type Role = 'client' | 'server';

/** The last channel number of either parity. Numbers are never used again, so a session is renewed before they run out. */
const LAST_ID = 0xffff_ffff;
/** Of the numbers, how many may be given before few are left. */
const PLENTY = 3 / 4;

/** The living channels of a session and the numbers given so far: odd ones by the client, even ones by the server. */
export class Channels {
  readonly #living = new Map<number, SessionChannel>();
  readonly #last: number;
  #nextOwn: number;
  #lastOfPeer: number;

  /** `last`: the highest number. */
  constructor(role: Role, last: number = LAST_ID) {
    this.#last = last;
    this.#nextOwn = role === 'client' ? 1 : 2;
    // One step before the peer's first number: -1 for a server (the client begins with 1), 0 for a client.
    this.#lastOfPeer = role === 'client' ? 0 : -1;
  }

  get size(): number {
    return this.#living.size;
  }

  /** Undefined when the numbers have run out. */
  takeId(): number | undefined {
    if (this.#nextOwn > this.#last) return undefined;
    const id = this.#nextOwn;
    this.#nextOwn += 2;
    return id;
  }

  /** This one is the first number with which few are left. */
  isFirstOfFew(id: number): boolean {
    const few = this.#last * PLENTY;
    return id >= few && id - 2 < few;
  }

  /** Takes note of a number that the peer gave; each must be of its parity and above the last. */
  checkPeerId(id: number): void {
    const step = id - this.#lastOfPeer;
    if (step <= 0 || step % 2 !== 0) {
      throw violation(`OPEN with channel ${id} after ${this.#lastOfPeer}`);
    }
    this.#lastOfPeer = id;
  }

  add(channel: SessionChannel): void {
    holds(!this.#living.has(channel.id), 'two channels have one number');
    this.#living.set(channel.id, channel);
  }

  remove(channel: SessionChannel): void {
    this.#living.delete(channel.id);
  }

  /** Undefined for a channel that is over: what still arrives for it has crossed our FIN or RESET on the way. */
  find(id: number): SessionChannel | undefined {
    const channel = this.#living.get(id);
    if (channel !== undefined) return channel;
    const own = id % 2 === this.#nextOwn % 2;
    if (own ? id >= this.#nextOwn : id > this.#lastOfPeer) {
      throw violation(`a frame for channel ${id}, which was never opened`);
    }
    return undefined;
  }

  /** A copy, so that channels may end while it is walked. */
  all(): SessionChannel[] {
    return [...this.#living.values()];
  }
}
