import type { Socket } from 'node:net';
import { keystreamBytes } from '../keystream.js';
import { type Listener, listen } from '../sockets/listen.js';

export interface Breaking extends Listener {
  /** Resets every connection. What has not left this process is lost with it. */
  breakOff(): void;
}

/** Sends `head` and the first `length` bytes of a keystream, and then nothing more, until it is made to break off. */
export async function startBreaking(seed: string, length: number, head = ''): Promise<Breaking> {
  const listener = await listen((socket) => {
    socket.resume();
    socket.write(Buffer.concat([Buffer.from(head), keystreamBytes(seed, length)]));
  });
  return { ...listener, breakOff: () => resetAll(listener.sockets) };
}

/** When asked for anything, sends the first `length` bytes of a keystream and resets the connection in the same breath. */
export function startBreakingAtOnce(seed: string, length: number): Promise<Listener> {
  return listen((socket) => {
    socket.once('data', () => {
      socket.write(keystreamBytes(seed, length), () => socket.resetAndDestroy());
    });
  });
}

function resetAll(sockets: Iterable<Socket>): void {
  for (const socket of sockets) socket.resetAndDestroy();
}
