import type { Sender, Turn } from '../channel/sender.js';
import { QUANTUM } from '../constants.js';
import { type Frame, wireLength } from '../frame/frame.js';
import { holds } from '../invariant.js';

/**
 * Whose frame goes next: deficit round robin (Shreedhar and Varghese, 1996), where channels and flows that are new or were
 * idle have their first turn ahead of the others, as sparse flows have in RFC 8290 section 4.2. So a keystroke or a
 * handshake never waits behind a transfer, and no number of transfers starves another.
 */
export class SendQueue {
  #size = 0;
  #sparse: Turn[] = [];
  #bulk: Turn[] = [];
  readonly #carrier: object;

  /** `carrier`: whose channels and flows take turns here, and nobody else's. */
  constructor(carrier: object) {
    this.#carrier = carrier;
  }

  /** Those that have, or lately had, something to send. */
  get size(): number {
    return this.#size;
  }

  /** Of these, those that `isCounted`. */
  count(isCounted: (sender: Sender) => boolean): number {
    const counts = ({ isGone, sender }: Turn): boolean => !isGone && isCounted(sender);
    return this.#sparse.filter(counts).length + this.#bulk.filter(counts).length;
  }

  /** Nobody has anything to send. */
  get isEmpty(): boolean {
    const waits = ({ isGone, sender }: Turn): boolean => !isGone && sender.sendable;
    return !this.#sparse.some(waits) && !this.#bulk.some(waits);
  }

  /** It has something to send. */
  add(sender: Sender): void {
    if (sender.turn !== undefined || !this.#isOwn(sender)) return;
    const turn = { sender, credit: QUANTUM, isGone: false };
    sender.turn = turn;
    this.#size += 1;
    this.#sparse.push(turn);
  }

  /** It goes over to another session: its frames never leave here. */
  remove(sender: Sender): void {
    if (sender.turn === undefined) return;
    sender.turn.isGone = true;
    this.#end(sender.turn);
  }

  #end(turn: Turn): void {
    if (turn.sender.turn === turn) turn.sender.turn = undefined;
    this.#size -= 1;
  }

  /** The next frame, with at most `limit` bytes of data, or less when several send; undefined: nobody has any. */
  next(limit: number, sharedLimit: number): Frame | undefined {
    for (;;) {
      const list = this.#sparse.length > 0 ? this.#sparse : this.#bulk;
      const turn = list[0];
      if (turn === undefined) return undefined;
      const frame = this.#mayTake(turn) ? turn.sender.takeFrame(this.#size > 1 ? sharedLimit : limit) : undefined;
      if (frame !== undefined) return charge(turn, frame);
      list.shift();
      this.#pass(turn, list === this.#sparse && this.#bulk.length > 0, sharedLimit);
    }
  }

  /** The same of those frames alone that are not to be kept, or are kept already: what has others waits, in its place. */
  nextUnkept(sharedLimit: number): Frame | undefined {
    for (;;) {
      const inSparse = this.#sparse.findIndex(hasUnkept);
      const list = inSparse >= 0 ? this.#sparse : this.#bulk;
      const place = inSparse >= 0 ? inSparse : list.findIndex(hasUnkept);
      const turn = list[place];
      if (turn === undefined) return undefined;
      const frame = this.#mayTake(turn) ? turn.sender.takeUnkept?.() : undefined;
      if (frame !== undefined) return charge(turn, frame);
      list.splice(place, 1);
      this.#pass(turn, list === this.#sparse && this.#bulk.length > 0, sharedLimit);
    }
  }

  #mayTake(turn: Turn): boolean {
    return turn.credit > 0 && !turn.isGone && this.#isOwn(turn.sender);
  }

  /** It has had its turn, or has nothing to send; then it `stays` among the others, or leaves. */
  #pass(turn: Turn, stays: boolean, sharedLimit: number): void {
    if (turn.isGone) return;
    if (turn.credit <= 0) {
      turn.credit += Math.max(QUANTUM, sharedLimit);
      this.#bulk.push(turn);
    } else if (stays && turn.sender.isCarriedBy(this.#carrier)) {
      // Emptied, but it has had its head start: it becomes new again only after a turn among the others.
      this.#bulk.push(turn);
    } else {
      this.#end(turn);
    }
  }

  #isOwn(sender: Sender): boolean {
    return holds(sender.isCarriedBy(this.#carrier), 'a channel waits in a session that does not carry it');
  }
}

function hasUnkept({ sender, isGone }: Turn): boolean {
  return !isGone && sender.hasUnkept === true;
}

function charge(turn: Turn, frame: Frame): Frame {
  turn.credit -= wireLength(frame);
  return frame;
}
