import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { atEnd } from '../cleanup/at-end.js';
import { listen } from './listen.js';

/** For bursts: what arrives while the process does something else waits in the kernel, which grants what it will. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

export interface DatagramOptions {
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** A UDP socket of a test. */
export interface DatagramSocket {
  readonly port: number;
  readonly socket: Socket;
  /** Resolves when the system has taken it; what it refuses is lost, as on any path, and what comes after the end. */
  send(data: Uint8Array, port: number, host?: string): Promise<void>;
  close(): Promise<void>;
}

/** Tells every datagram that comes to `onDatagram` until the test ends. */
export async function bindDatagrams(
  onDatagram: (data: Buffer, from: RemoteInfo) => void = () => {},
  { host = '127.0.0.1', port = 0 }: DatagramOptions = {},
): Promise<DatagramSocket> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', recvBufferSize: RECEIVE_BUFFER }, onDatagram);
  // A peer that is not there is told as an error of the socket.
  socket.on('error', () => {});
  socket.bind(port, host);
  await once(socket, 'listening');
  let closed: Promise<unknown> | undefined;
  const close = async () => {
    if (closed === undefined) {
      closed = once(socket, 'close');
      socket.close();
    }
    await closed;
  };
  atEnd(close);
  const send = (data: Uint8Array, to: number, at = host) =>
    new Promise<void>((resolve) => {
      if (closed === undefined) socket.send(data, to, at, () => resolve());
      else resolve();
    });
  return { port: socket.address().port, socket, send, close };
}

/** A port that nobody has now, neither of UDP nor of TCP: many programs take both. */
export async function freeDatagramPort(): Promise<number> {
  for (;;) {
    const { port, close } = await bindDatagrams();
    const tcp = await listen((socket) => socket.destroy(), { port }).catch(() => undefined);
    await Promise.all([close(), tcp?.close()]);
    if (tcp !== undefined) return port;
  }
}
