import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';

/** Something to be dialled by the far end of the tunnel. */
export interface Destination {
  readonly port: number;
  /** The connections so far. */
  readonly sockets: Socket[];
}

export interface Destinations {
  start(onConnection: (socket: Socket) => void): Promise<Destination>;
}

/** Ends the destinations of each test behind it. To be called at the top of a test file. */
export function useDestinations(): Destinations {
  const open: { server: Server; sockets: Socket[] }[] = [];
  afterEach(async () => {
    for (const { server, sockets } of open.splice(0)) {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    }
  });

  return {
    async start(onConnection) {
      const sockets: Socket[] = [];
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        sockets.push(socket);
        socket.on('error', () => {});
        onConnection(socket);
      });
      open.push({ server, sockets });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return { port: (server.address() as AddressInfo).port, sockets };
    },
  };
}

/** Reads from a socket until what came matches; resolves with all of it. */
export function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!pattern.test(text)) return;
      socket.off('data', onData);
      resolve(text);
    };
    socket.on('data', onData);
  });
}
