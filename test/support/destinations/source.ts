import type { Socket } from 'node:net';
import { Keystream } from '../keystream.js';
import { type Listener, listen } from '../listen.js';

const CHUNK = 65_536;

/** Sends the first `length` bytes of a keystream as fast as they are taken, then ends. What it gets is dropped. */
export function startSource(seed: string, length: number): Promise<Listener> {
  return listen((socket) => {
    socket.resume();
    feed(socket, new Keystream(seed), length);
  });
}

function feed(socket: Socket, keystream: Keystream, length: number): void {
  for (let left = length; ; ) {
    if (left === 0) {
      socket.end();
      return;
    }
    const chunk = keystream.next(Math.min(CHUNK, left));
    left -= chunk.length;
    if (!socket.write(chunk)) {
      const rest = left;
      socket.once('drain', () => feed(socket, keystream, rest));
      return;
    }
  }
}
