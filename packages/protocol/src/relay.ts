import type { Socket } from 'node:net';
import type { Channel } from './channel/channel.js';
import type { ChannelSink } from './channel/handlers.js';
import type { FailureCode } from './failures.js';
import { unpinned } from './unpinned.js';

/**
 * Joins a channel and a socket: bytes, half-closes and resets pass both ways, and neither side reads faster than the
 * other takes. The socket must have been made with `allowHalfOpen`, and its `remoteAddress` never read.
 */
export function relay(channel: Channel, socket: Socket): void {
  const taken = new Taken(channel, socket);
  let wasReset = false;

  channel.start({
    onData(chunk) {
      const waits = socket.writableLength > 0;
      taken.push(chunk.length);
      socket.write(waits ? unpinned(chunk) : chunk, taken.onWritten);
    },
    onEnd: () => socket.end(),
    onReset() {
      wasReset = true;
      taken.resetWhenDone();
    },
    onWritable: () => socket.resume(),
  } satisfies ChannelSink);

  const passOnReset = (code: FailureCode): void => {
    if (wasReset) return;
    wasReset = true;
    channel.endWithReset(code);
  };

  socket.on('data', (chunk: Buffer) => {
    if (!channel.write(chunk)) socket.pause();
  });
  socket.on('end', () => {
    if (endedByReset(socket)) passOnReset('CONNECTION_RESET');
    else channel.end();
  });
  socket.on('error', () => passOnReset('CONNECTION_RESET'));
  // Closed without having ended: destroyed by someone, or half of it failed.
  socket.on('close', () => {
    if (!socket.readableEnded || !socket.writableFinished) passOnReset('CONNECTION_RESET');
  });
  socket.resume();
}

/** The writes that the socket has not completed: credit goes back as they do, with one callback for all of them. */
class Taken {
  readonly #channel: Channel;
  readonly #socket: Socket;
  readonly #lengths: number[] = [];
  #resetDue = false;

  constructor(channel: Channel, socket: Socket) {
    this.#channel = channel;
    this.#socket = socket;
  }

  push(length: number): void {
    this.#lengths.push(length);
  }

  /** What came before the reset is written first; ending the socket instead would tell the application a clean end. */
  resetWhenDone(): void {
    this.#resetDue = true;
    if (this.#lengths.length === 0) resetSocket(this.#socket);
  }

  readonly onWritten = (): void => {
    this.#channel.consumed(this.#lengths.shift() ?? 0);
    if (this.#resetDue && this.#lengths.length === 0) resetSocket(this.#socket);
  };
}

/**
 * On Node 20 and 22 a reset that arrives together with data is reported as a clean end. Then the socket has no peer
 * any more, while it still has an address of its own (a Unix socket has neither). Works only on the first read of
 * `remoteAddress`, which is cached.
 */
function endedByReset(socket: Socket): boolean {
  return socket.remoteAddress === undefined && socket.localAddress !== undefined;
}

/** `destroy()` alone would look like a clean end; Unix sockets know nothing better. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.localAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
