import type { Channel, ChannelFigures, ChannelSink, FailureCode, SlabPool, Target } from 'wsproxy-engine';
import { longestTurn, PacedPieces, type RelayPace, whenEmpty } from './relay-pace.js';

/** A channel that its user writes and reads itself, held to a pace both ways as `relay` holds one. */
export class PacedChannel implements Channel, ChannelSink {
  readonly #channel: Channel;
  readonly #pace: RelayPace;
  #sink: ChannelSink | undefined;
  /** What waits for its turn in either direction, once something had to. */
  #down: PacedPieces | undefined;
  #up: PacedPieces | undefined;
  /** The channel has asked for a pause. */
  #isFull = false;

  constructor(channel: Channel, pace: RelayPace) {
    this.#channel = channel;
    this.#pace = pace;
  }

  get id(): number {
    return this.#channel.id;
  }

  get target(): Target {
    return this.#channel.target;
  }

  get state(): Channel['state'] {
    return this.#channel.state;
  }

  get figures(): ChannelFigures {
    return this.#channel.figures;
  }

  get memory(): SlabPool {
    return this.#channel.memory;
  }

  get appetite(): number {
    return Math.min(this.#channel.appetite, longestTurn(this.#pace, 'down'));
  }

  start(sink: ChannelSink): void {
    this.#sink = sink;
    this.#channel.start(this);
  }

  consumed(bytes: number): void {
    this.#channel.consumed(bytes);
  }

  write(chunk: Uint8Array): boolean {
    // Nobody is to pay for what goes nowhere.
    if (this.state.dead) return true;
    if (this.#down?.isEmpty !== false && this.#pace.mayPass('down', chunk.length)) return this.#channel.write(chunk);
    this.#down ??= new PacedPieces(this.memory, this.#pace, 'down', (piece) => {
      this.#isFull = !this.#channel.write(piece);
    });
    this.#down.push(chunk, false);
    this.#down.onEmpty = () => {
      if (!this.#isFull) this.#sink?.onWritable();
    };
    return false;
  }

  end(failure?: FailureCode): void {
    behind(this.#down, () => this.#channel.end(failure));
  }

  reset(code?: FailureCode): void {
    this.#down?.drop();
    this.#channel.reset(code);
  }

  ask(): void {
    this.#channel.ask();
  }

  onOver(listener: () => void): void {
    this.#channel.onOver(listener);
  }

  // What the channel brings.

  onData(chunk: Uint8Array, isMore: boolean): void {
    if (this.#up?.isEmpty !== false && this.#pace.mayPass('up', chunk.length)) {
      return this.#sink?.onData(chunk, isMore);
    }
    this.#up ??= new PacedPieces(this.memory, this.#pace, 'up', (piece, more) => this.#sink?.onData(piece, more));
    this.#up.push(chunk, isMore);
  }

  onEnd(): void {
    behind(this.#up, () => this.#sink?.onEnd());
  }

  /** What has come before waits for its turn, and is told first. */
  onReset(code: FailureCode): void {
    this.#down?.drop();
    behind(this.#up, () => this.#sink?.onReset(code));
  }

  onWritable(): void {
    this.#isFull = false;
    if (this.#down?.isEmpty !== false) this.#sink?.onWritable();
  }
}

/** Calls back behind what waits, and behind what is to be told then already. */
function behind(pieces: PacedPieces | undefined, callback: () => void): void {
  const earlier = pieces?.onEmpty;
  whenEmpty(pieces, () => {
    earlier?.();
    callback();
  });
}
