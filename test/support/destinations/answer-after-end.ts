import { createHash } from 'node:crypto';
import { type Listener, listen } from '../sockets/listen.js';

/** Says nothing until the other side has ended its half, then answers with the hash of what it got. */
export function startAnswerAfterEnd(): Promise<Listener> {
  return listen((socket) => {
    const hash = createHash('sha256');
    socket.on('data', (chunk) => hash.update(chunk));
    socket.on('end', () => socket.end(`${hash.digest('hex')}\n`));
  });
}
