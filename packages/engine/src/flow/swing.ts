/** Never less in flight, bytes: a few frames must be under way for acknowledgements to come at all. */
const MIN_CAP = 4_096;
/** What is in flight swings between the window and this many times the window. */
const HIGH = 1.3;
/** The lower end goes below the window once round trips stand so far above the shortest, and is deepest at its square. */
const FAR = 1.5;
/**
 * By how much the round trip may answer to what is in flight, as a share: 1 when all that is added stands in a queue of
 * ours, 0 when none of it does. A little below 1 is where the path has just become full.
 */
const TARGET = 0.85;
/**
 * Two directions that are both busy delay each other's acknowledgements, and if both aimed at 0.85, each would outbid the
 * other for ever. So each aims at that times the square of its share in what the session carries, but at this part at least.
 */
const MIN_PART = 0.2;
/** How far one answer moves the window, as a power of e, and what an answer may be at most off the target. */
const STEP = 0.25;
const MAX_ERROR = 0.6;
/** Twice as many steps at once with each answer in a row that tells of much room, up to this, while round trips are short. */
const MAX_STRIDES = 4;
/** Of a phase, the round trip that a quarter of the samples does not reach: a lost packet makes the others wait. */
const QUANTILE = 0.25;
/** A phase lasts this long at least, ms, and has so many samples. */
const MIN_PHASE = 60;
const MIN_SAMPLES = 4;
/** With so little of the cap in use, something else limits what is in flight: the system's own buffer is full. */
const IN_USE = 0.8;
/** How fast the share of this direction in all that the session carries is learnt, in phases. */
const SHARE_GAIN = 0.25;

/** Logarithms of what was in flight in a phase, and of its round trip. */
interface Point {
  readonly inFlight: number;
  readonly roundTrip: number;
}

/**
 * Finds how much may be in flight by trying a little more and a little less, in turn, and looking what answers. If it is
 * the round trip, the path is full, and what is added waits in a queue of ours: the window shrinks. If it is the rate,
 * then the path holds more, however long its round trips are for others' reasons: the window grows. So a jittery path, the
 * queue of somebody else and acknowledgements that are late are not taken for a queue of ours. Times in ms.
 */
export class Swing {
  #window: number;
  #isHigh = false;
  /** The lower end, of the window. */
  #low = 1;
  /** Of the last phases, three at most. */
  #points: Point[] = [];
  #share = 1;
  /** How many steps at once it grows by. */
  #strides = 1;
  #seed: number;

  /** What is acknowledged in the first round of a phase was sent before it. */
  #isSettling = true;
  #roundsLeft = 1;
  #since = 0;
  readonly #samples: number[] = [];
  #inFlight = 0;
  #mostInFlight = 0;
  #sent = 0;
  #received = 0;

  /** Begins with `window` bytes. */
  constructor(window: number, now: number) {
    this.#window = window;
    this.#seed = Math.floor(now * 1_000);
    this.#begin(false);
  }

  /** Bytes that may be in flight now. */
  get cap(): number {
    return Math.max(MIN_CAP, this.#window * (this.#isHigh ? HIGH : this.#low));
  }

  /** `bytes` were acknowledged, the last of them after `roundTrip`; `inFlight` were under way until then. */
  onDelivered(bytes: number, roundTrip: number, inFlight: number): void {
    this.#sent += bytes;
    if (this.#isSettling) return;
    this.#samples.push(roundTrip);
    this.#inFlight += inFlight;
    this.#mostInFlight = Math.max(this.#mostInFlight, inFlight);
  }

  /** `bytes` came in. */
  onReceived(bytes: number): void {
    this.#received += bytes;
  }

  /** A round is over; `lowest` is the shortest round trip known. */
  endRound(now: number, lowest: number, isSourceLimited: boolean): void {
    if (isSourceLimited) {
      this.#points = [];
      this.#begin(false);
    } else if (this.#isSettling) {
      this.#isSettling = false;
      this.#since = now;
    } else {
      this.#roundsLeft -= 1;
      const isOver = this.#roundsLeft <= 0 && now - this.#since >= MIN_PHASE && this.#samples.length >= MIN_SAMPLES;
      if (isOver) this.#endPhase(lowest);
    }
  }

  #endPhase(lowest: number): void {
    const samples = this.#samples.sort((a, b) => a - b);
    const roundTrip = samples[Math.floor(samples.length * QUANTILE)] ?? 0;
    const inFlight = this.#inFlight / samples.length;
    const cap = this.cap;
    this.#share += SHARE_GAIN * (this.#sent / (this.#sent + this.#received) - this.#share);
    if (roundTrip > 0) {
      this.#points.push({ inFlight: Math.log(inFlight), roundTrip: Math.log(roundTrip) });
      if (this.#points.length > 3) this.#points.shift();
      const distance = Math.log(roundTrip / lowest) / Math.log(FAR);
      this.#low = HIGH ** -Math.max(0, Math.min(1, distance - 1));
      this.#follow();
    }
    if (this.#mostInFlight < IN_USE * cap) this.#window = Math.min(this.#window, this.#mostInFlight);
    this.#window = Math.max(MIN_CAP, this.#window);
    this.#begin(!this.#isHigh);
  }

  /**
   * Compares the phase in the middle with the mean of its neighbours, so that anything that grows or shrinks by itself
   * meanwhile cancels out, and moves the window by the answer.
   */
  #follow(): void {
    const [first, middle, last] = this.#points;
    if (first === undefined || middle === undefined || last === undefined) return;
    const added = middle.inFlight - (first.inFlight + last.inFlight) / 2;
    if (Math.abs(added) < Math.log(HIGH) / 3) return;
    const answer = (middle.roundTrip - (first.roundTrip + last.roundTrip) / 2) / added;
    const target = TARGET * Math.max(MIN_PART, this.#share ** 2);
    const error = Math.max(-MAX_ERROR, Math.min(MAX_ERROR, target - answer));
    this.#strides = error < MAX_ERROR || this.#low < 1 ? 1 : Math.min(MAX_STRIDES, 2 * this.#strides);
    this.#window *= Math.exp(STEP * error * this.#strides);
  }

  #begin(isHigh: boolean): void {
    this.#isHigh = isHigh;
    this.#isSettling = true;
    this.#samples.length = 0;
    this.#inFlight = 0;
    this.#mostInFlight = 0;
    this.#sent = 0;
    this.#received = 0;
    // One round or two, irregularly: both directions swing, and must not do it in step.
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    this.#roundsLeft = 1 + ((this.#seed >> 16) & 1);
  }
}
