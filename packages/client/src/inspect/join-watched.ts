import type { Duplex } from 'node:stream';
import { joinStreams } from 'wsproxy-node/sockets';
import type { Direction, Reader } from './http/reader.js';

/**
 * Joins two streams, and shows a reader what passes before it does. When the reader cannot read any further, `onLost` is told, and
 * the rest passes all the same.
 */
export function joinWatched(near: Duplex, far: Duplex, reader: Reader, onLost: (problem: string) => void): void {
  let isReading = true;
  const stop = (failure?: string): void => {
    if (!isReading) return;
    isReading = false;
    reader.close(failure);
  };
  const attempt = (read: () => void): void => {
    if (!isReading) return;
    try {
      read();
    } catch (error) {
      const { message } = error as Error;
      stop(message);
      onLost(message);
    }
  };
  const watch = (from: Duplex, direction: Direction, who: string): void => {
    from.on('data', (bytes: Buffer) => attempt(() => reader.read(direction, bytes)));
    from.once('end', () => attempt(() => reader.end(direction)));
    from.once('close', () => {
      const isWhole = from.readableEnded && from.writableFinished;
      stop(isWhole ? undefined : `${who} has ended the connection`);
    });
  };
  watch(near, 'up', 'the application');
  watch(far, 'down', 'the destination');
  joinStreams(near, far);
}
