import { type Listener, listen } from './listen.js';

/** Says `banner` to anyone who connects, before it is asked anything. */
export function startSpeakingFirst(banner: string): Promise<Listener> {
  return listen((socket) => {
    socket.write(banner);
    socket.resume();
    socket.on('end', () => socket.end());
  });
}
