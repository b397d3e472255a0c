import { type Listener, listen } from '../sockets/listen.js';

/** Accepts connections and never reads from them. */
export function startUnread(): Promise<Listener> {
  return listen((socket) => socket.pause());
}
