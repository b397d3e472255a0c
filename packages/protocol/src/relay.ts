import { readSync } from 'node:fs';
import type { Channel } from './channel/channel.js';
import type { ChannelSink } from './channel/handlers.js';
import type { FailureCode } from './failures.js';
import { PacedSource, type RelayPace } from './relay-pace.js';
import { RelayWriter } from './relay-writer.js';
import type { RelaySocket } from './reset-socket.js';
import { readIntoSlabs } from './slab-reader.js';
import { keep } from './slabs.js';

/**
 * Joins a channel and a socket: bytes, half-closes and resets pass both ways, and neither side reads faster than the
 * other takes, nor than `pace` allows. The socket must have been made with `allowHalfOpen`.
 */
export function relay(channel: Channel, socket: RelaySocket, pace?: RelayPace): void {
  const writer = new RelayWriter(channel, socket, pace);
  const source = new PacedSource(socket);
  let wasReset = false;

  channel.start({
    onData: (chunk, isMore) => writer.write(chunk, isMore),
    onEnd: () => writer.endWhenDone(),
    onReset(code) {
      wasReset = true;
      writer.resetWhenDone(code === 'SESSION_LOST' ? 0 : RESET_DELAY);
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
  const stopReading = readIntoSlabs(socket, onBytes);
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
    stopReading?.();
    source.stop();
    writer.stop();
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

/**
 * On Node 20 and 22 a reset that arrives together with data is reported as a clean end. Reading once more tells: nothing
 * comes after an end, an error after a reset. (That the socket has no peer any more does not tell: after both ends have
 * ended it cleanly it has none either.) Windows has no descriptor to read from.
 */
function endedByReset(socket: RelaySocket): boolean {
  const { fd = -1 } = (socket as { _handle?: { fd?: number } })._handle ?? {};
  if (fd < 0) return socket.remoteAddress === undefined && socket.localAddress !== undefined && !socket.writableEnded;
  try {
    return readSync(fd, Buffer.alloc(1)) > 0;
  } catch {
    return true;
  }
}
