import { type Listener, type ListenOptions, listen } from '../sockets/listen.js';

/** Sends back what it gets, and ends when the other side has ended. */
export function startEcho(options: ListenOptions = {}): Promise<Listener> {
  return listen((socket) => socket.pipe(socket), options);
}
