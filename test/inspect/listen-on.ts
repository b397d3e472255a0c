import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';

/** A port of 127.0.0.1 that a server of Node listens on until the end of the test. */
export async function listenOn(server: Pick<Server, 'listen' | 'close' | 'address' | 'once'>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server as Server, 'listening');
  atEnd(() => {
    (server as { closeAllConnections?: () => void }).closeAllConnections?.();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
