import type { Duplex } from 'node:stream';

/** Gives `onBytes` what a socket has read already, and holds because it was paused. */
export function readRest(socket: Duplex, onBytes: (bytes: Uint8Array) => void): void {
  for (let rest = socket.read() as Buffer | null; rest !== null; rest = socket.read() as Buffer | null) onBytes(rest);
}
