import { type Client, type ClientOptions, createClient } from 'wsproxy-client';
import { createServer, type Server, type ServerOptions } from 'wsproxy-server';
import { atEnd } from './cleanup/at-end.js';
import { TOKEN } from './programs/command-line.js';
import { until } from './until.js';

/** Both ends in this process. */
export interface Tunnel {
  readonly server: Server;
  readonly client: Client;
  /** Where the server accepts WebSockets. */
  readonly url: string;
  readonly serverPort: number;
  /** Where the client offers SOCKS and HTTP. */
  readonly port: number;
}

export interface TunnelOptions {
  readonly server?: Partial<ServerOptions>;
  readonly client?: Partial<ClientOptions>;
  /** What the client connects to in place of the server, given the port of the server: a relay in between. */
  readonly through?: (serverPort: number) => Promise<number>;
}

/** A server, by default on a free port. Local destinations are allowed unless told otherwise: tests have no others. */
export async function startServer(
  options: Partial<ServerOptions> = {},
  wantedPort = 0,
): Promise<{ server: Server; port: number }> {
  const isAlone = options.users === undefined && options.authenticate === undefined;
  const server = createServer({ ...(isAlone && { token: TOKEN }), allowPrivate: true, ...options });
  const { port } = await server.listen({ port: wantedPort });
  atEnd(() => server.close());
  return { server, port };
}

/** A client that is connected, with a local port. */
export async function startClient(
  serverPort: number,
  options: Partial<ClientOptions> = {},
): Promise<{ client: Client; url: string; port: number }> {
  const url = `ws://127.0.0.1:${serverPort}/`;
  const client = createClient({ url, token: TOKEN, ...options });
  atEnd(() => client.close());
  await client.start();
  const { address } = await client.listen({ port: 0 });
  return { client, url, port: address.port };
}

export async function startTunnel(options: TunnelOptions = {}): Promise<Tunnel> {
  const { server, port: serverPort } = await startServer(options.server);
  const entrance = options.through === undefined ? serverPort : await options.through(serverPort);
  const tunnel = { server, serverPort, ...(await startClient(entrance, options.client)) };
  atEnd(() => expectNoChannels(tunnel));
  return tunnel;
}

/** When all applications have gone, so has every channel, while the tunnel itself is still up. */
async function expectNoChannels({ client, server }: Tunnel): Promise<void> {
  const count = () => ({ client: client.channelCount, server: server.channelCount });
  try {
    await until('no channel is left', () => count().client + count().server === 0);
  } catch (error) {
    throw new Error(`channels are left: ${JSON.stringify(count())}`, { cause: error });
  }
}
