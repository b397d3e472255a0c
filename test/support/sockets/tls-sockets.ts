import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, TLSSocket } from 'node:tls';

const KEY = Buffer.from('0123456789abcdef');
/** A key that both know takes the place of certificates. */
const CIPHERS = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;

export interface TlsPair {
  readonly ours: TLSSocket;
  readonly theirs: TLSSocket;
  /** TCP below `theirs`: its end and its reset are not theirs, which say close_notify and no more. */
  readonly raw: Socket;
}

export type TlsKind = 'over TCP' | 'over its own TCP' | 'over a stream';

/** Two ends of TLS; `ours` is that of the system, given TCP or opening its own, or one over a stream of the program's. */
export async function tlsSockets(kind: TlsKind): Promise<TlsPair> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const ours = connect({
    ...(kind === 'over its own TCP' ? { port, host: '127.0.0.1' } : { socket: below(kind, port) }),
    pskCallback: () => ({ psk: KEY, identity: 'test' }),
    checkServerIdentity: () => undefined,
    ...CIPHERS,
  });
  const [raw] = await accepted;
  server.close();
  const options = { isServer: true, pskCallback: () => KEY, ...CIPHERS };
  const theirs = new TLSSocket(lineOver(raw), options);
  for (const socket of [ours, theirs, raw]) socket.on('error', () => {});
  ours.allowHalfOpen = true;
  theirs.allowHalfOpen = true;
  await once(ours, 'secureConnect');
  return { ours, theirs, raw };
}

function below(kind: TlsKind, port: number): Duplex {
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  return kind === 'over TCP' ? socket : lineOver(socket, true);
}

/** Carries bytes over a socket; its own end goes no further unless it `ends`. */
function lineOver(socket: Socket, ends = false): Duplex {
  const line = new Duplex({
    read() {
      socket.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      socket.write(chunk, done);
    },
    final(done) {
      if (ends) socket.end(done);
      else done();
    },
    destroy(error, done) {
      if (ends) socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    if (!line.push(chunk)) socket.pause();
  });
  socket.on('end', () => line.push(null));
  socket.on('error', (error) => line.destroy(error));
  socket.on('close', () => line.destroy());
  return line;
}
