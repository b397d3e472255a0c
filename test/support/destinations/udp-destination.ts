import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Peer } from 'wsproxy-engine';
import { atEnd } from '../cleanup/at-end.js';

/** A UDP socket on loopback, which answers each datagram with `echo: ...` unless it is silent. */
export async function udpDestination({ host = '127.0.0.1', port = 0, isSilent = false } = {}): Promise<UdpDestination> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const heard: string[] = [];
  const waiters: (() => void)[] = [];
  socket.on('message', (data, { address, port }) => {
    heard.push(`${data.toString()} from ${port}`);
    for (const wake of waiters.splice(0)) wake();
    if (!isSilent) socket.send(Buffer.concat([Buffer.from('echo: '), data]), port, address);
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  let isOpen = true;
  socket.once('close', () => (isOpen = false));
  atEnd(() => void (isOpen && socket.close()));
  return {
    socket,
    heard,
    peer: { host, port: socket.address().port },
    async until(count) {
      while (heard.length < count) await new Promise<void>((resolve) => waiters.push(resolve));
      return heard;
    },
  };
}

export interface UdpDestination {
  readonly socket: Socket;
  readonly peer: Peer;
  /** `text from port` of what has come. */
  readonly heard: string[];
  until(count: number): Promise<string[]>;
}
