import { Socket } from 'node:net';
import { type Channel, type ChannelSink, compact, type FailureCode, SmallPieces } from 'wsproxy-engine';
import { type RelaySocket, resetSocket } from '../sockets/reset-socket.js';
import { LAST_WORDS } from './last-words.js';
import { longestTurn, PacedPieces, type RelayPace, whenEmpty } from './relay-pace.js';

/**
 * Writes what a channel brings to a socket, no faster than `pace` allows, gives credit back as the socket takes it, and ends
 * or resets the socket when it has taken everything.
 */
export class RelayWriter implements ChannelSink {
  readonly #channel: Channel;
  readonly #socket: RelaySocket;
  readonly #pace: RelayPace | undefined;
  readonly #otherWay: OtherWay;
  /** It needs bytes no longer than until they are written: other streams may pass them on as they are. */
  readonly #isSocket: boolean;
  /** What waits for its turn, once something had to. */
  #paced: PacedPieces | undefined;
  /** Bytes written to the socket, and those of them for which the channel has had credit. */
  #given = 0;
  #settled = 0;
  /** What the socket has not taken yet, where it is kept; undefined, not empty, most of the time. */
  #kept: Kept[] | undefined;
  /** What the socket gets next: it has not taken everything that came before. */
  #small: SmallPieces | undefined;
  #isCorked = false;
  #isUncorkDue = false;
  /** What is held back is all that the socket has to write. */
  #isFirst = false;
  /** Memory that it has pinned, bytes. */
  #pinned = 0;
  /** The peer has ended its half; and nothing of it waits for its turn any more. */
  #hasEnded = false;
  #endDue = false;
  #isStopped = false;
  /** Ms from the last write to the reset, once there is to be one. */
  #resetDelay: number | undefined;

  constructor(channel: Channel, socket: RelaySocket, otherWay: OtherWay, pace?: RelayPace) {
    this.#channel = channel;
    this.#socket = socket;
    this.#otherWay = otherWay;
    this.#pace = pace;
    this.#isSocket = socket instanceof Socket;
  }

  onData(chunk: Uint8Array, isMore: boolean): void {
    const pace = this.#pace;
    if (pace === undefined) return this.#write(chunk, isMore);
    const longest = longestTurn(pace, 'up');
    let rest = chunk;
    for (; rest.length > longest; rest = rest.subarray(longest))
      this.#writePaced(pace, rest.subarray(0, longest), true);
    this.#writePaced(pace, rest, isMore);
  }

  #writePaced(pace: RelayPace, chunk: Uint8Array, isMore: boolean): void {
    if (this.#paced?.isEmpty !== false && pace.mayPass('up', chunk.length)) return this.#write(chunk, isMore);
    const { memory } = this.#channel;
    this.#paced ??= new PacedPieces(memory, pace, 'up', (bytes, more) => this.#write(bytes, more));
    this.#paced.push(chunk, isMore);
  }

  /** Not at once: a socket that is ending cannot be reset before it has written everything. */
  onEnd(): void {
    this.#hasEnded = true;
    whenEmpty(this.#paced, () => {
      this.#endDue = true;
      this.#small?.flush();
      this.#finishIfDone();
    });
  }

  /**
   * What came before the reset is written first; ending the socket instead would tell the application a clean end. A peer
   * that does not take it in time has lost it, as it would have been lost on the way to it.
   */
  onReset(code: FailureCode): void {
    this.#otherWay.onReset();
    if (this.#hasEnded && code === 'CANCELLED') return this.#closeWhenDone();
    this.#dropPaced();
    this.#resetDelay = code === 'SESSION_LOST' ? 0 : RESET_DELAY;
    this.#small?.flush();
    this.#finishIfDone();
    if (this.#settled < this.#given) this.#resetIn(LAST_WORDS);
  }

  onWritable(): void {
    this.#otherWay.onWritable();
  }

  /** The socket takes nothing more: what it has not taken is lost, and held no more. */
  stop(): void {
    this.#isStopped = true;
    this.#dropPaced();
    this.#unpin();
    const lost = this.#given - this.#settled + (this.#small?.length ?? 0);
    this.#small = undefined;
    this.#settled = this.#given;
    // Until it is closed the system may still read them.
    if (this.#socket.closed) this.#releaseUpTo(this.#given);
    if (lost > 0) this.#channel.consumed(lost);
  }

  /** `isMore`: the rest of the same frame is on its way; if it comes in this turn, both leave as one. */
  #write(chunk: Uint8Array, isMore: boolean): void {
    if (this.#isStopped) return this.#channel.consumed(chunk.length);
    // Somebody else's bytes may be on their way before the first of ours, and nobody says here when they have left.
    if (this.#kept !== undefined && !this.#isCorked) {
      this.#small ??= new SmallPieces((bytes) => this.#give(bytes, false));
      if (this.#small.add(chunk)) return;
    } else this.#small?.flush();
    if (isMore && chunk.length < WORTH_WRITING) this.#cork();
    this.#give(this.#lasting(chunk), isMore);
  }

  /** The same bytes, for as long as the socket needs them. */
  #lasting(chunk: Uint8Array): Uint8Array {
    if (!this.#isSocket) return Buffer.from(chunk);
    return this.#channel.memory.keep(this.#isNext(chunk) ? chunk : compact(chunk));
  }

  #give(bytes: Uint8Array, isMore: boolean): void {
    const socket = this.#socket;
    this.#given += bytes.length;
    // Not one for all writes: it would stay with each of ten thousand that are idle.
    socket.write(bytes, (error) => this.#onWritten(error));
    if (!isMore || bytes.length >= WORTH_WRITING) this.#uncork();
    if (socket.writableLength === 0) {
      this.#channel.memory.release(bytes);
      this.#settle();
    } else {
      this.#kept ??= [];
      this.#kept.push({ end: this.#given, bytes });
    }
  }

  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#isFirst = this.#socket.writableLength === 0;
    this.#socket.cork();
    if (!this.#isUncorkDue) setImmediate(uncorkLate, this);
    this.#isUncorkDue = true;
  }

  /** The turn is over, and the rest of the frame has not come. */
  uncorkLate(): void {
    this.#isUncorkDue = false;
    this.#uncork();
  }

  #uncork(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#isFirst = false;
    this.#socket.uncork();
  }

  /** Nothing is to be written before it, or the rest of its frame alone, so that it need not be copied to wait. */
  #isNext(chunk: Uint8Array): boolean {
    if (this.#socket.writableLength === 0) return true;
    if (!this.#isFirst || !this.#channel.memory.pin(chunk)) return false;
    this.#pinned += chunk.buffer.byteLength;
    return true;
  }

  #unpin(): void {
    this.#channel.memory.unpin(this.#pinned);
    this.#pinned = 0;
  }

  /**
   * Behind its end: the peer has closed what it had ended, and reads no more (PROTOCOL.md, "Channels"). As the system does
   * for it then, everything is delivered, and what still comes is answered with a reset.
   */
  #closeWhenDone(): void {
    const socket = this.#socket;
    if (this.#isStopped || socket.writableFinished) return void socket.destroy();
    socket.once('finish', () => socket.destroy());
    this.#resetWhenStalled(this.#settled);
  }

  #resetWhenStalled(settled: number): void {
    this.#untilClosed(CLOSE_PATIENCE, () => {
      if (this.#settled === settled) resetSocket(this.#socket);
      else this.#resetWhenStalled(this.#settled);
    });
  }

  #resetIn(delay: number): void {
    this.#untilClosed(delay, () => resetSocket(this.#socket));
  }

  /** Calls `then` unless the socket is closed before; no program waits for it. */
  #untilClosed(delay: number, then: () => void): void {
    const timer = setTimeout(then, delay);
    timer.unref();
    this.#socket.once('close', () => clearTimeout(timer));
  }

  /** How much the socket has taken its own count tells. */
  #onWritten(error?: Error | null): void {
    if (error) return this.stop();
    if (this.#settled === this.#given) return;
    this.#settle();
    this.#small?.flush();
    this.#finishIfDone();
  }

  #settle(): void {
    const taken = this.#given - this.#socket.writableLength;
    if (taken === this.#given) this.#unpin();
    this.#releaseUpTo(taken);
    if (taken <= this.#settled) return;
    this.#channel.consumed(taken - this.#settled);
    this.#settled = taken;
  }

  #releaseUpTo(taken: number): void {
    while (this.#kept !== undefined && (this.#kept[0]?.end ?? taken) <= taken) {
      const kept = this.#kept.shift();
      if (kept === undefined) this.#kept = undefined;
      else if (this.#isSocket) this.#channel.memory.release(kept.bytes);
    }
  }

  #dropPaced(): void {
    const dropped = this.#paced?.drop() ?? 0;
    if (dropped > 0) this.#channel.consumed(dropped);
  }

  #finishIfDone(): void {
    if (this.#isStopped) {
      if (this.#resetDelay !== undefined) this.#socket.destroy();
      return;
    }
    if (this.#settled < this.#given) return;
    if (this.#resetDelay === undefined) {
      if (this.#endDue) this.#socket.end();
    } else if (this.#resetDelay === 0) resetSocket(this.#socket);
    else this.#resetIn(this.#resetDelay);
  }
}

/** A piece of a frame that is left to a write of its own, though the rest of it is on its way, bytes. */
const WORTH_WRITING = 65_536;

/** One for all writers. */
const uncorkLate = (writer: RelayWriter): void => writer.uncorkLate();

/** What the channel says that is for the way back, from the socket to it. */
export interface OtherWay {
  /** Nothing more goes to it. */
  onReset(): void;
  /** It takes bytes again. */
  onWritable(): void;
}

/** A point in what was written, and what is not needed any more once the socket has taken everything before it. */
interface Kept {
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** A destination that takes nothing for so long is not waited for when the peer has closed its end, ms. */
const CLOSE_PATIENCE = 60_000;
/**
 * A reset makes the kernel forget what it has not sent yet: it gets this long to send what was written before, ms. When
 * the session is lost, bytes are missing anyway, and the process may be about to end.
 */
const RESET_DELAY = 50;
