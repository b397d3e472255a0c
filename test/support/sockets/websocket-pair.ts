import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';

export interface WebSocketPair {
  readonly client: WebSocket;
  readonly server: WebSocket;
  /** The connections beneath them. */
  readonly clientSocket: Socket;
  readonly serverSocket: Socket;
  close(): Promise<void>;
}

/**
 * Two real WebSockets over loopback, as the product sets them up: no compression, small messages. `more`: options of the
 * server's end.
 */
export async function webSocketPair(more: ServerOptions = {}): Promise<WebSocketPair> {
  const options = { perMessageDeflate: false, maxPayload: 262_144 };
  const listener = new WebSocketServer({
    ...options,
    host: '127.0.0.1',
    port: 0,
    closeTimeout: 500,
    clientTracking: false,
    ...more,
  } as object);
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}`, options);
  const [[server, request], [response]] = (await Promise.all([
    once(listener, 'connection'),
    once(client, 'upgrade'),
    once(client, 'open'),
  ])) as unknown as [[WebSocket, { socket: Socket }], [{ socket: Socket }]];
  return {
    client,
    server,
    clientSocket: response.socket,
    serverSocket: request.socket,
    async close() {
      client.terminate();
      for (const socket of [response.socket, request.socket]) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
