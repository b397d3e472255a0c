import type { RemoteInfo } from 'node:dgram';
import { bindDatagrams, type DatagramOptions, type DatagramSocket } from '../sockets/datagram-socket.js';

export interface DatagramEcho extends DatagramSocket {
  /** Who has sent something, as `address:port`, each once. */
  readonly senders: ReadonlySet<string>;
}

/** Sends back each datagram to where it came from. */
export async function startDatagramEcho(options: DatagramOptions = {}): Promise<DatagramEcho> {
  const senders = new Set<string>();
  const answer = (data: Buffer, { address, port }: RemoteInfo): void => {
    senders.add(`${address}:${port}`);
    void echo.send(data, port, address);
  };
  const echo = await bindDatagrams(answer, options);
  return { ...echo, senders };
}
