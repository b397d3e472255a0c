import type { Carrier, SessionChannel } from '../channel/session-channel.js';
import { QUANTUM } from '../constants.js';
import { holds } from '../invariant.js';
import { type SequencedFrame, wireLength } from '../replay/replay-buffer.js';

/** A channel in the queue, and the bytes it may still send in its present turn. */
interface Turn {
  readonly channel: SessionChannel;
  credit: number;
  /** The channel has left the session. */
  isGone: boolean;
}

/**
 * Whose frame goes next: deficit round robin (Shreedhar and Varghese, 1996), where channels that are new or were idle
 * have their first turn ahead of the others, as sparse flows have in RFC 8290 section 4.2. So a keystroke or a
 * handshake never waits behind a transfer, and no number of transfers starves another.
 */
export class SendQueue {
  readonly #turns = new Map<SessionChannel, Turn>();
  #sparse: Turn[] = [];
  #bulk: Turn[] = [];
  readonly #carrier: Carrier;

  /** `carrier`: whose channels take turns here, and nobody else's. */
  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  /** Channels that have, or lately had, something to send. */
  get size(): number {
    return this.#turns.size;
  }

  /** No channel has anything to send. */
  get isEmpty(): boolean {
    for (const channel of this.#turns.keys()) if (channel.sendable) return false;
    return true;
  }

  /** The channel has something to send. */
  add(channel: SessionChannel): void {
    if (this.#turns.has(channel) || !this.#isOwn(channel)) return;
    const turn = { channel, credit: QUANTUM, isGone: false };
    this.#turns.set(channel, turn);
    this.#sparse.push(turn);
  }

  /** The channel goes over to another session: its frames never leave here. */
  remove(channel: SessionChannel): void {
    const turn = this.#turns.get(channel);
    if (turn === undefined) return;
    turn.isGone = true;
    this.#turns.delete(channel);
  }

  /** The next frame, with at most `limit` bytes of data, or less when several channels send; undefined: none has any. */
  next(limit: number, sharedLimit: number): SequencedFrame | undefined {
    for (;;) {
      const fromSparse = this.#sparse.length > 0;
      const list = fromSparse ? this.#sparse : this.#bulk;
      const turn = list[0];
      if (turn === undefined) return undefined;
      if (!turn.isGone && !this.#isOwn(turn.channel)) this.remove(turn.channel);
      if (turn.isGone) {
        list.shift();
        continue;
      }
      const frame = turn.credit > 0 ? turn.channel.takeFrame(this.#turns.size > 1 ? sharedLimit : limit) : undefined;
      if (frame !== undefined) {
        turn.credit -= wireLength(frame);
        return frame;
      }
      list.shift();
      if (turn.credit <= 0) {
        turn.credit += Math.max(QUANTUM, sharedLimit);
        this.#bulk.push(turn);
      } else if (fromSparse && this.#bulk.length > 0) {
        // Emptied, but it has had its head start: it becomes new again only after a turn among the others.
        this.#bulk.push(turn);
      } else {
        this.#turns.delete(turn.channel);
      }
    }
  }

  #isOwn(channel: SessionChannel): boolean {
    return holds(channel.isCarriedBy(this.#carrier), 'a channel waits in a session that does not carry it');
  }
}
