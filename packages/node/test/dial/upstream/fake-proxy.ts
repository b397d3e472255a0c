import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Reads exactly as many bytes as are asked for, and leaves the rest. */
export interface Conversation {
  readonly socket: Socket;
  take(length: number): Promise<Buffer>;
  /** Up to and with the empty line that ends an HTTP header. */
  takeHeader(): Promise<string>;
}

/** A server that says what the test wants it to say, gone with the test. */
export async function startFakeProxy(
  serve: (conversation: Conversation) => Promise<void>,
): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    serve(conversationOn(socket)).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

function conversationOn(socket: Socket): Conversation {
  const readable = () =>
    Promise.race([once(socket, 'readable'), once(socket, 'close').then(() => Promise.reject(new Error('closed')))]);
  const take = async (length: number): Promise<Buffer> => {
    for (;;) {
      const bytes = socket.read(length) as Buffer | null;
      if (bytes !== null) return bytes;
      await readable();
    }
  };
  return {
    socket,
    take,
    async takeHeader() {
      let header = '';
      while (!header.endsWith('\r\n\r\n')) header += (await take(1)).toString('latin1');
      return header;
    },
  };
}
