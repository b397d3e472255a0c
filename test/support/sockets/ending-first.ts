import { type Listener, listen } from './listen.js';

export interface EndingFirst extends Listener {
  /** What came, also after its end. */
  readonly received: () => string;
}

/** Says `words` to anyone who connects, ends its half at once, and goes on to listen. */
export async function startEndingFirst(words: string): Promise<EndingFirst> {
  let received = '';
  const listener = await listen((socket) => {
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.end(words);
  });
  return { ...listener, received: () => received };
}
