import { type Listener, listen } from '../listen.js';

/** Accepts connections and never reads from them. */
export function startUnread(): Promise<Listener> {
  return listen((socket) => socket.pause());
}
