import { InFlightCap } from '../../../src/flow/in-flight-cap.js';
import { RoundTrip } from '../../../src/flow/round-trip.js';
import { Acknowledger } from '../../../src/session/acknowledger.js';
import type { Events } from './events.js';
import type { Tcp } from './tcp.js';

const HIGH_WATER = 131_072;
const BATCH = 65_536;
const CONTROL = 20;
/** What a busy source gives at once, and how long it takes to give the next, ms: a socket is read in another turn. */
const PIECE = 65_536;
const READ_TIME = 0.2;

interface Frame {
  readonly length: number;
  readonly isControl: boolean;
  readonly onArrival: (() => void) | undefined;
}

/** One direction of a session: the cap at its sender, the acknowledgements of its receiver. */
export class HalfTunnel {
  readonly roundTrip = new RoundTrip();
  readonly cap = new InFlightCap(this.roundTrip);
  /** Bytes that have arrived. */
  delivered = 0;
  readonly #events: Events;
  #tcp: Tcp | undefined;
  #other: HalfTunnel | undefined;
  readonly #small: Frame[] = [];
  readonly #frames: Frame[] = [];
  #partial = 0;
  /** Of the far end, and the bytes that it has not told. */
  #acknowledger: Acknowledger | undefined;
  #pending = 0;
  /** What the source has given and was not taken. */
  #given = 0;
  #isReading = false;

  constructor(events: Events) {
    this.#events = events;
  }

  join(tcp: Tcp, other: HalfTunnel): void {
    this.#tcp = tcp;
    this.#other = other;
    this.#acknowledger = new Acknowledger(this.#events.clock, other.roundTrip, { schedule: () => this.#tell() });
    tcp.onSpace = () => this.flush();
  }

  /** From now on there is always more to send. */
  begin(): void {
    this.#isReading = true;
    this.#events.after(READ_TIME, () => {
      this.#given += PIECE;
      this.#isReading = false;
      this.flush();
    });
  }

  /** A keystroke, ahead of what is big. */
  say(length: number, onArrival: () => void): void {
    this.#small.push({ length, isControl: false, onArrival });
    this.flush();
  }

  /** A PING: its answer tells the round trip. */
  ping(): void {
    const askedAt = this.#events.now;
    const onAnswer = (): void => this.roundTrip.note(this.#events.now - askedAt, this.#events.now);
    this.control(() => this.#other?.control(onAnswer));
  }

  control(onArrival: () => void): void {
    this.#frames.push({ length: CONTROL, isControl: true, onArrival });
    this.#tcp?.write(CONTROL);
  }

  flush(): void {
    const { cap } = this;
    while (this.#tcp !== undefined && this.#tcp.backlog < HIGH_WATER) {
      const room = Math.min(BATCH, cap.cap - cap.inFlight);
      const size = Math.floor(Math.max(1_024, Math.min(65_472, cap.rate * 4 || 32_768)));
      let bytes = 0;
      while (bytes < room) {
        const frame = this.#small.shift() ?? this.#take(size);
        if (frame === undefined) break;
        this.#frames.push(frame);
        this.#tcp.write(frame.length);
        bytes += frame.length;
      }
      if (bytes < room) cap.onSourceEmpty(bytes);
      if (bytes === 0) return;
      cap.onSent(bytes, this.#events.now);
    }
  }

  #take(size: number): Frame | undefined {
    const length = Math.min(size, this.#given);
    if (length === 0) return undefined;
    this.#given -= length;
    if (this.#given < PIECE && !this.#isReading) this.begin();
    return { length, isControl: false, onArrival: undefined };
  }

  /** What the far end reads. */
  onBytes(bytes: number): void {
    this.#partial += bytes;
    for (let frame = this.#frames[0]; frame !== undefined && this.#partial >= frame.length; frame = this.#frames[0]) {
      this.#partial -= frame.length;
      this.#frames.shift();
      frame.onArrival?.();
      if (!frame.isControl) this.#arrive(frame.length);
    }
  }

  #arrive(bytes: number): void {
    this.delivered += bytes;
    this.#pending += bytes;
    this.#other?.cap.onReceived(bytes);
    this.#acknowledger?.note(bytes);
  }

  #tell(): void {
    if (this.#acknowledger?.isDue !== true) return;
    this.#acknowledger.tell();
    const bytes = this.#pending;
    this.#pending = 0;
    this.#other?.control(() => {
      this.cap.onDelivered(bytes, this.#events.now);
      this.flush();
    });
  }
}
