import { Socket } from 'node:net';
import type { Channel } from 'wsproxy-engine';
import { keep, release, SmallPieces, unpinned } from 'wsproxy-engine';
import { type RelaySocket, resetSocket } from '../sockets/reset-socket.js';

/** A point in what was written, and what to do once the socket has taken everything before it. */
interface Kept {
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** Memory of pieces that were not copied since they should leave in this turn, bytes; some wait all the same. */
let uncopied = 0;
/** At most so much in this process, whatever peers and destinations do; more is copied. */
const MAX_UNCOPIED = 16_777_216;

/** A destination that takes nothing for so long is not waited for when the peer has closed its end, ms. */
const CLOSE_PATIENCE = 60_000;
/**
 * What came before a reset has this long to be read, and longer only while the reader takes it, ms: its memory is held as
 * long, and a reader that does not read is to learn of the reset all the same, as it would without a tunnel.
 */
export const LAST_WORDS = 1_000;

/** Writers that hold back the beginning of a frame, or did so in this turn. */
let holding: RelayWriter[] = [];

function letAllGo(): void {
  const all = holding;
  holding = [];
  for (const writer of all) writer.letGo();
}

/**
 * Writes what a channel brings to a socket, gives credit back as the socket takes it, and ends the socket when it has
 * taken everything.
 */
export class RelayWriter {
  readonly #channel: Channel;
  readonly #socket: RelaySocket;
  /** It needs bytes no longer than until they are written: other streams may pass them on as they are. */
  readonly #letsGo: boolean;
  /** Bytes written to the socket, and those of them for which the channel has had credit. */
  #given = 0;
  #settled = 0;
  /** What the socket has not taken yet, where it is kept; undefined, not empty, most of the time. */
  #kept: Kept[] | undefined;
  /** What the socket gets next: it has not taken everything that came before. */
  #small: SmallPieces | undefined;
  #isHeld = false;
  /** What is held back is all that the socket has to write. */
  #isFirst = false;
  /** This writer's share. */
  #uncopied = 0;
  #endDue = false;
  #isStopped = false;
  /** Ms from the last write to the reset, once there is to be one. */
  #resetDelay: number | undefined;

  constructor(channel: Channel, socket: RelaySocket) {
    this.#channel = channel;
    this.#socket = socket;
    this.#letsGo = socket instanceof Socket;
  }

  /** `isMore`: the rest of the same frame is on its way; if it comes in this turn, both leave as one. */
  write(chunk: Uint8Array, isMore: boolean): void {
    if (this.#isStopped) return this.#channel.consumed(chunk.length);
    // Somebody else's bytes may be on their way before the first of ours, and nobody says here when they have left.
    if (this.#kept !== undefined && !this.#isHeld) {
      this.#small ??= new SmallPieces((bytes) => this.#give(bytes, false));
      if (this.#small.add(chunk)) return;
    } else this.#small?.flush();
    if (isMore) this.#hold();
    this.#give(this.#letsGo ? keep(this.#isNext(chunk) ? chunk : unpinned(chunk)) : Buffer.from(chunk), isMore);
  }

  #give(bytes: Uint8Array, isMore: boolean): void {
    const socket = this.#socket;
    this.#given += bytes.length;
    socket.write(bytes, this.#onWritten);
    if (!isMore) this.letGo();
    if (socket.writableLength === 0) {
      release(bytes);
      this.#settle();
    } else {
      this.#kept ??= [];
      this.#kept.push({ end: this.#given, bytes });
    }
  }

  /** What was held back leaves. */
  letGo(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#isFirst = false;
    this.#socket.uncork();
  }

  /** The socket takes nothing more: what it has not taken is lost, and held no more. */
  stop(): void {
    this.#isStopped = true;
    this.#forgetUncopied();
    const lost = this.#given - this.#settled + (this.#small?.length ?? 0);
    this.#small = undefined;
    this.#settled = this.#given;
    // Not released: the system may still read them.
    this.#kept = undefined;
    if (lost > 0) this.#channel.consumed(lost);
  }

  /** Not at once: a socket that is ending cannot be reset before it has written everything. */
  endWhenDone(): void {
    this.#endDue = true;
    this.#small?.flush();
    this.#finishIfDone();
  }

  /**
   * What came before the reset is written first; ending the socket instead would tell the application a clean end. A peer
   * that does not take it in time has lost it, as it would have been lost on the way to it.
   */
  resetWhenDone(delay: number): void {
    this.#resetDelay = delay;
    this.#small?.flush();
    this.#finishIfDone();
    if (this.#settled < this.#given) this.#resetIn(LAST_WORDS);
  }

  /**
   * Behind its end: the peer has closed what it had ended, and reads no more (PROTOCOL.md, "Channels"). As the system does
   * for it then, everything is delivered, and what still comes is answered with a reset.
   */
  closeWhenDone(): void {
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

  /** Nothing is to be written before it, or the rest of its frame alone, so that it need not be copied to wait. */
  #isNext({ buffer }: Uint8Array): boolean {
    if (this.#socket.writableLength === 0) return true;
    if (!this.#isFirst || uncopied >= MAX_UNCOPIED) return false;
    this.#uncopied += buffer.byteLength;
    uncopied += buffer.byteLength;
    return true;
  }

  #forgetUncopied(): void {
    uncopied -= this.#uncopied;
    this.#uncopied = 0;
  }

  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#isFirst = this.#socket.writableLength === 0;
    this.#socket.cork();
    if (holding.push(this) === 1) setImmediate(letAllGo);
  }

  /** One for all writes: how much the socket has taken its own count tells. */
  readonly #onWritten = (error?: Error | null): void => {
    if (error) return this.stop();
    if (this.#settled === this.#given) return;
    this.#settle();
    this.#small?.flush();
    this.#finishIfDone();
  };

  #settle(): void {
    const taken = this.#given - this.#socket.writableLength;
    if (taken === this.#given) this.#forgetUncopied();
    while (this.#kept !== undefined && (this.#kept[0]?.end ?? taken) <= taken) {
      const kept = this.#kept.shift();
      if (kept === undefined) this.#kept = undefined;
      else release(kept.bytes);
    }
    if (taken <= this.#settled) return;
    this.#channel.consumed(taken - this.#settled);
    this.#settled = taken;
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
