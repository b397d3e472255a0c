import type { RoundTrip } from '../flow/round-trip.js';
import type { Inbox } from './inbox.js';
import type { Outbox } from './outbox.js';

/** What a session tells of itself; asked, not told. */
export class SessionFigures {
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #roundTrip: RoundTrip;

  constructor(inbox: Inbox, outbox: Outbox, roundTrip: RoundTrip) {
    this.#inbox = inbox;
    this.#outbox = outbox;
    this.#roundTrip = roundTrip;
  }

  /** How often another transport went on where the last one had ended. */
  get resumes(): number {
    return this.#outbox.resumes;
  }

  /** Shortest round trip of the last seconds, ms; Infinity while unknown. */
  get roundTrip(): number {
    return this.#roundTrip.lowest;
  }

  /** What is kept to be sent again, until the peer has acknowledged it; bytes of memory. */
  get replayBytes(): number {
    return this.#outbox.replay.bytes;
  }

  /** Bytes sent and not acknowledged on the present transport: how busy this session is. */
  get bytesInFlight(): number {
    return this.#outbox.bytesInFlight;
  }

  /** Channels of ours that the peer has dialled since the session began. */
  get opened(): number {
    return this.#inbox.opened;
  }

  /** Sequenced frames processed, and sent, since the session began. */
  get received(): number {
    return this.#outbox.acknowledger.received;
  }

  get sent(): number {
    return this.#outbox.replay.total;
  }

  /** Sequenced frames that either end is known to have processed: grows only while a transport really carries. */
  get progress(): number {
    return this.received + this.#outbox.replay.acknowledged;
  }

  /** Bytes of an application have left, and the peer has not told that it has processed them. */
  get hasUnheardData(): boolean {
    return this.#outbox.replay.hasData;
  }
}
