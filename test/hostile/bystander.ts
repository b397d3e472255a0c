import { expect } from 'vitest';
import type { Server, ServerOptions } from 'wsproxy-server';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { keystreamBytes } from 'wsproxy-test-support/keystream';
import { bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const LENGTH = 100_000;

export interface Bystander {
  readonly server: Server;
  /** Where the server accepts WebSockets. */
  readonly port: number;
  /** A destination that sends back what it gets. */
  readonly echoPort: number;
  /** The open connection still works, and of what others did to the server nothing is left. */
  expectUnharmed(): Promise<void>;
}

/** A server, and a well-behaved client with an open connection that must not notice what is done to the server. */
export async function startBystander(options: Partial<ServerOptions> = {}): Promise<Bystander> {
  const echo = await startEcho();
  const { server, serverPort, port } = await startTunnel({ server: { grace: 200, ...options } });
  const socket = await bySocks5(port, '127.0.0.1', echo.port);

  async function exchange(seed: string): Promise<void> {
    const sent = keystreamBytes(seed, LENGTH);
    socket.write(sent);
    expect((await readBytes(socket, LENGTH)).equals(sent)).toBe(true);
  }

  await exchange('before');
  return {
    server,
    port: serverPort,
    echoPort: echo.port,
    expectUnharmed: async () => {
      await exchange('after');
      await until('no other session is left', () => server.sessionCount === 1);
      await until('no other channel is left', () => server.channelCount === 1);
    },
  };
}
