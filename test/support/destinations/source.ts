import type { Socket } from 'node:net';
import { Keystream } from '../keystream.js';
import { type Listener, listen } from '../sockets/listen.js';

const CHUNK = 65_536;

/**
 * Sends the first `length` bytes of a keystream as fast as they are taken, then ends. What it gets is dropped. The second
 * half is held back until `released`.
 */
export function startSource(seed: string, length: number, released?: Promise<void>): Promise<Listener> {
  return listen((socket) => {
    socket.resume();
    const keystream = new Keystream(seed);
    const half = Math.floor(length / 2);
    feed(socket, keystream, half, () => {
      const finish = () => feed(socket, keystream, length - half, () => socket.end());
      if (released === undefined) finish();
      else void released.then(finish);
    });
  });
}

function feed(socket: Socket, keystream: Keystream, length: number, onFed: () => void): void {
  for (let left = length; left > 0; ) {
    const chunk = keystream.next(Math.min(CHUNK, left));
    left -= chunk.length;
    if (!socket.write(chunk)) {
      const rest = left;
      socket.once('drain', () => feed(socket, keystream, rest, onFed));
      return;
    }
  }
  onFed();
}
