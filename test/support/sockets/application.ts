import { readSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { atEnd } from '../cleanup/at-end.js';

/** How a connection ended as its application sees it, and how many bytes came before. */
export interface Ending {
  readonly bytes: number;
  readonly by: 'end' | 'reset';
}

/** How an application asks for its destination; it names a host and port, and gets a socket that leads there. */
export type Way = (port: number, host: string, hostPort: number) => Promise<Socket>;

/** A plain connection to 127.0.0.1, ended with the test at the latest. Half-close is kept. */
export async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  atEnd(() => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      // From here on an error shows as the ending of the connection.
      socket.on('error', () => {});
      resolve();
    });
  });
  return socket;
}

/** The REP byte of the answer to a SOCKS5 request by name, and the socket it came on. */
export async function askSocks5(
  port: number,
  host: string,
  hostPort: number,
): Promise<[reply: number, socket: Socket]> {
  const socket = await connectTo(port);
  const name = Buffer.from(host);
  const request = Buffer.concat([Buffer.of(5, 1, 0, 5, 1, 0, 3, name.length), name, bigEndian(hostPort)]);
  socket.write(request);
  const answer = await readBytes(socket, 12);
  return [answer[3] ?? -1, socket];
}

/** The same for a request by address, and that of SOCKS4, which knows IPv4 only. */
export async function askByAddress(
  version: 4 | 5,
  port: number,
  address: Buffer,
  hostPort: number,
): Promise<[reply: number, socket: Socket]> {
  const socket = await connectTo(port);
  if (version === 4) {
    socket.write(Buffer.concat([Buffer.of(4, 1), bigEndian(hostPort), address, Buffer.of(0)]));
    return [(await readBytes(socket, 8))[1] ?? -1, socket];
  }
  const type = address.length === 4 ? 1 : 4;
  socket.write(Buffer.concat([Buffer.of(5, 1, 0, 5, 1, 0, type), address, bigEndian(hostPort)]));
  return [(await readBytes(socket, 12))[3] ?? -1, socket];
}

/** The reply byte of the answer to a SOCKS4a request by name, and the socket it came on. */
export async function askSocks4a(
  port: number,
  host: string,
  hostPort: number,
): Promise<[reply: number, socket: Socket]> {
  const socket = await connectTo(port);
  socket.write(
    Buffer.concat([Buffer.of(4, 1), bigEndian(hostPort), Buffer.of(0, 0, 0, 1, 0), Buffer.from(host), Buffer.of(0)]),
  );
  const answer = await readBytes(socket, 8);
  return [answer[1] ?? -1, socket];
}

/** The status of the answer to CONNECT, and the socket it came on. */
export async function askConnect(
  port: number,
  host: string,
  hostPort: number,
): Promise<[status: number, socket: Socket]> {
  const socket = await connectTo(port);
  const authority = `${host.includes(':') ? `[${host}]` : host}:${hostPort}`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const head = await readHead(socket);
  return [Number(head.split(' ')[1]), socket];
}

/** The status of the answer to a plain request through the proxy. */
export async function askPlain(
  port: number,
  host: string,
  hostPort: number,
): Promise<[status: number, socket: Socket]> {
  const socket = await connectTo(port);
  socket.write(`GET http://${host}:${hostPort}/ HTTP/1.1\r\nHost: ${host}:${hostPort}\r\n\r\n`);
  const head = await readHead(socket);
  return [Number(head.split(' ')[1]), socket];
}

export const bySocks5: Way = async (port, host, hostPort) => {
  const [reply, socket] = await askSocks5(port, host, hostPort);
  if (reply !== 0) throw new Error(`SOCKS5 reply ${reply}`);
  return socket;
};

export const byConnect: Way = async (port, host, hostPort) => {
  const [status, socket] = await askConnect(port, host, hostPort);
  if (status !== 200) throw new Error(`CONNECT was answered ${status}`);
  return socket;
};

/** Reads until the connection ends, one way or the other. */
export function readToEnd(socket: Socket, onData: (chunk: Buffer) => void = () => {}): Promise<Ending> {
  // A socket in pause with nothing left to read tells its end then and there, once: it may have done so before this call.
  if (socket.readableEnded || socket.closed) {
    return Promise.resolve({ bytes: 0, by: socket.errored || hasPendingReset(socket) ? 'reset' : 'end' });
  }
  return new Promise((resolve) => {
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      onData(chunk);
    });
    socket.once('end', () => resolve({ bytes, by: hasPendingReset(socket) ? 'reset' : 'end' }));
    socket.once('close', (failed) => resolve({ bytes, by: failed ? 'reset' : 'end' }));
    socket.resume();
  });
}

/** Node 20 and 22 tell a reset that comes together with data as an end; the system still knows. */
function hasPendingReset(socket: Socket): boolean {
  const { _handle: handle } = socket as { _handle?: { fd?: number } };
  try {
    readSync(handle?.fd ?? -1, Buffer.alloc(1));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNRESET';
  }
}

/** Exactly the next `length` bytes; what follows stays in the socket. */
export async function readBytes(socket: Socket, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  return readUntil(socket, (bytes) => (bytes.length >= length ? length : undefined));
}

/** The head of an HTTP response, with its empty line; what follows stays in the socket. */
export async function readHead(socket: Socket): Promise<string> {
  const head = await readUntil(socket, (bytes) => {
    const end = bytes.indexOf('\r\n\r\n');
    return end < 0 ? undefined : end + 4;
  });
  return head.toString('latin1');
}

function readUntil(socket: Socket, lengthOf: (bytes: Buffer) => number | undefined): Promise<Buffer> {
  if (socket.readableEnded || socket.closed) return Promise.reject(new Error('closed before'));
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const onClose = () => reject(new Error(`closed after ${JSON.stringify(bytes.toString('latin1'))}`));
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const length = lengthOf(bytes);
      if (length === undefined) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.off('end', onClose);
      socket.pause();
      if (bytes.length > length) socket.unshift(bytes.subarray(length));
      resolve(bytes.subarray(0, length));
    };
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.once('end', onClose);
    socket.resume();
  });
}

function bigEndian(port: number): Buffer {
  return Buffer.of(port >> 8, port & 0xff);
}
