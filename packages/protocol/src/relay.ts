import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Channel } from './channel/channel.js';
import type { ChannelSink } from './channel/handlers.js';
import type { FailureCode } from './failures.js';
import { PacedCredit, PacedSource, type RelayPace } from './relay-pace.js';
import { readIntoSlabs } from './slab-reader.js';
import { keep, release } from './slabs.js';
import { unpinned } from './unpinned.js';

/**
 * Joins a channel and a socket: bytes, half-closes and resets pass both ways, and neither side reads faster than the
 * other takes, nor than `pace` allows. The socket must have been made with `allowHalfOpen`.
 */
export function relay(channel: Channel, socket: Socket, pace?: RelayPace): void {
  const taken = new Taken(channel, socket, pace);
  const source = new PacedSource(socket);
  let wasReset = false;

  channel.start({
    onData(chunk, isMore) {
      if (isMore) taken.hold();
      const kept = keep(socket.writableLength > 0 ? unpinned(chunk) : chunk);
      socket.write(kept, taken.onWritten);
      if (!isMore) taken.letGo();
      const isWritten = socket.writableLength === 0;
      if (isWritten) release(kept);
      taken.push(chunk.length, isWritten ? undefined : kept);
    },
    onEnd: () => taken.endWhenDone(),
    onReset(code) {
      wasReset = true;
      taken.resetWhenDone(code === 'SESSION_LOST' ? 0 : RESET_DELAY);
    },
    onWritable: () => source.unblock(),
  } satisfies ChannelSink);

  const passOnReset = (code: FailureCode): void => {
    if (wasReset) return;
    wasReset = true;
    channel.endWithReset(code);
  };

  const onBytes = (bytes: Buffer): void => {
    if (!channel.write(bytes.length < WORTH_KEEPING ? Buffer.from(bytes) : keep(bytes))) source.block();
    const wait = pace?.fromSocket(bytes.length) ?? 0;
    if (wait > 0) source.hold(wait);
  };
  socket.on('data', onBytes);
  readIntoSlabs(socket, onBytes);
  socket.on('end', () => {
    if (!endedByReset(socket)) return channel.end();
    passOnReset('CONNECTION_RESET');
    // Nothing else would: to Node the socket is half open.
    socket.destroy();
  });
  socket.on('error', () => {
    // Read before the error, and still in the socket because it was paused.
    for (let rest = socket.read() as Buffer | null; rest !== null; rest = socket.read() as Buffer | null) {
      channel.write(rest);
    }
    passOnReset('CONNECTION_RESET');
  });
  // Closed without having ended: destroyed by someone, or half of it failed.
  socket.on('close', () => {
    source.stop();
    taken.stop();
    if (!socket.readableEnded || !socket.writableFinished) passOnReset('CONNECTION_RESET');
  });
  // Its events are past; nobody else will say so.
  if (socket.destroyed) passOnReset('CONNECTION_RESET');
  else socket.resume();
}

/** Fewer bytes are copied: they would keep all of what they were read into. */
const WORTH_KEEPING = 16_384;

/**
 * A reset makes the kernel forget what it has not sent yet: it gets this long to send what was written before, ms. When
 * the session is lost, bytes are missing anyway, and the process may be about to end.
 */
const RESET_DELAY = 50;

/** Those that hold back the beginning of a frame, or did so in this turn. */
let holding: Taken[] = [];

function letAllGo(): void {
  const all = holding;
  holding = [];
  for (const taken of all) taken.letGo();
}

/** The writes that the socket has not completed: credit goes back as they do, with one callback for all of them. */
class Taken {
  readonly #channel: Channel;
  readonly #socket: Socket;
  readonly #pace: RelayPace | undefined;
  readonly #credit: PacedCredit | undefined;
  readonly #lengths: number[] = [];
  /** The bytes of each, if they are kept until then. */
  readonly #kept: (Buffer | undefined)[] = [];
  /** When the credit of each may go back; only with a pace. */
  readonly #dues: number[] = [];
  #endDue = false;
  #isHeld = false;
  /** Ms from the last write to the reset, once there is to be one. */
  #resetDelay: number | undefined;

  constructor(channel: Channel, socket: Socket, pace: RelayPace | undefined) {
    this.#channel = channel;
    this.#socket = socket;
    this.#pace = pace;
    this.#credit = pace && new PacedCredit((bytes) => channel.consumed(bytes));
  }

  push(length: number, kept: Buffer | undefined): void {
    this.#lengths.push(length);
    this.#kept.push(kept);
    if (this.#pace === undefined) return;
    const wait = this.#pace.toSocket(length);
    this.#dues.push(wait > 0 ? performance.now() + wait : 0);
  }

  /** What is written from here on leaves as one, with `letGo` or when all that has arrived was read. */
  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#socket.cork();
    if (holding.push(this) === 1) setImmediate(letAllGo);
  }

  letGo(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#socket.uncork();
  }

  /** The socket is closed. */
  stop(): void {
    this.#credit?.stop();
  }

  /** Not at once: a socket that is ending cannot be reset before it has written everything. */
  endWhenDone(): void {
    this.#endDue = true;
    this.#finishIfDone();
  }

  /** What came before the reset is written first; ending the socket instead would tell the application a clean end. */
  resetWhenDone(delay: number): void {
    this.#resetDelay = delay;
    this.#finishIfDone();
  }

  readonly onWritten = (): void => {
    const length = this.#lengths.shift() ?? 0;
    const kept = this.#kept.shift();
    if (kept !== undefined && !this.#socket.destroyed) release(kept);
    const due = this.#dues.shift() ?? 0;
    if (due > 0 && !this.#socket.destroyed) this.#credit?.add(length, due);
    else this.#channel.consumed(length);
    this.#finishIfDone();
  };

  #finishIfDone(): void {
    if (this.#lengths.length > 0) return;
    if (this.#resetDelay === undefined) {
      if (this.#endDue) this.#socket.end();
    } else if (this.#resetDelay === 0) resetSocket(this.#socket);
    else setTimeout(() => resetSocket(this.#socket), this.#resetDelay);
  }
}

/**
 * On Node 20 and 22 a reset that arrives together with data is reported as a clean end. Reading once more tells: nothing
 * comes after an end, an error after a reset. (That the socket has no peer any more does not tell: after both ends have
 * ended it cleanly it has none either.) Windows has no descriptor to read from.
 */
function endedByReset(socket: Socket): boolean {
  const { fd = -1 } = (socket as { _handle?: { fd?: number } })._handle ?? {};
  if (fd < 0) return socket.remoteAddress === undefined && socket.localAddress !== undefined && !socket.writableEnded;
  try {
    return readSync(fd, Buffer.alloc(1)) > 0;
  } catch {
    return true;
  }
}

/** `destroy()` alone would look like a clean end; Unix sockets know nothing better. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.localAddress === undefined) socket.destroy();
  // Between `end()` and 'finish' a reset fails in the system (EINVAL), and the socket would stay for ever.
  else if (socket.writableEnded && !socket.writableFinished) socket.once('finish', () => resetSocket(socket));
  else socket.resetAndDestroy();
}
