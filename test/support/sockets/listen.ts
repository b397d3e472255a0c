import { createServer, type Server, type Socket } from 'node:net';
import { atEnd } from '../cleanup/at-end.js';

/** A TCP server of a test. */
export interface Listener {
  readonly port: number;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Stops listening and cuts what is open. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** Serves every connection with `serve` until the test ends. Half-close is kept. */
export async function listen(serve: (socket: Socket) => void, options: ListenOptions = {}): Promise<Listener> {
  const server = createServer({ allowHalfOpen: true }, serve);
  return listenOn(server, options);
}

/** The same for a server that exists already, such as one of `node:http`. */
export async function listenOn(
  server: Server,
  { host = '127.0.0.1', port = 0 }: ListenOptions = {},
): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.prependListener('connection', (socket: Socket) => {
    sockets.add(socket);
    // Connections that are cut are what many tests are about.
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
    return closed;
  };
  atEnd(close);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return { port: address.port, sockets, close };
}

/** A port on which nothing listens now. */
export async function freePort(): Promise<number> {
  const { port, close } = await listen((socket) => socket.destroy());
  await close();
  return port;
}
