import { type Listener, listen } from 'wsproxy-test-support/sockets/listen';
import { firstWrong, patternAt } from './pattern.js';

/** A destination that sends `length` bytes of the pattern and ends, and checks what it gets meanwhile. */
export async function startPatternPeer(length: number): Promise<Listener & { readonly received: Promise<number> }> {
  let tell: (received: number) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const received = new Promise<number>((resolve, reject) => {
    [tell, fail] = [resolve, reject];
  });
  // It is awaited only once the page has ended.
  received.catch(() => {});
  const listener = await listen((socket) => {
    let got = 0;
    let sent = 0;
    const send = (): void => {
      while (sent < length) {
        const piece = patternAt(sent, Math.min(PIECE, length - sent));
        sent += piece.length;
        if (!socket.write(piece)) return void socket.once('drain', send);
      }
      socket.end();
    };
    send();
    socket.on('error', fail);
    socket.on('data', (chunk) => {
      const wrong = firstWrong(chunk, got);
      if (wrong !== undefined) fail(new Error(`a wrong byte at ${wrong}`));
      got += chunk.length;
    });
    socket.on('end', () => tell(got));
  });
  return Object.assign(listener, { received });
}

const PIECE = 65_536;
