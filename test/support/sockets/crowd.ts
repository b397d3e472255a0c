import { connect, type Socket } from 'node:net';

/**
 * Connections to a port of this machine, so many at any time: each says `bytes`, and comes again as soon as it is closed.
 * Returns what ends them.
 */
export function startCrowd(port: number, size: number, bytes: string): () => void {
  const present = new Set<Socket>();
  let isOver = false;
  const come = (): void => {
    if (isOver) return;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    present.add(socket);
    socket.on('error', () => {});
    // Anyone who closes first stays in the system's table of connections for a minute (TIME_WAIT), unless it is reset: tens of
    // thousands would stand there, in the way of anyone who reads it.
    socket.on('end', () => socket.resetAndDestroy());
    socket.once('close', () => {
      present.delete(socket);
      setImmediate(come);
    });
    socket.resume();
    socket.write(bytes);
  };
  for (let i = 0; i < size; i += 1) come();
  return () => {
    isOver = true;
    for (const socket of present) socket.resetAndDestroy();
  };
}
