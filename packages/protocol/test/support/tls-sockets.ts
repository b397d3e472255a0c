import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, TLSSocket } from 'node:tls';
import { connectedSockets } from './sockets.js';

const KEY = Buffer.from('0123456789abcdef');
/** A key that both know takes the place of certificates. */
const CIPHERS = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;

export interface TlsPair {
  readonly ours: TLSSocket;
  readonly theirs: TLSSocket;
  /** TCP below `theirs`: its end and its reset are not theirs, which say close_notify and no more. */
  readonly raw: Socket;
}

/** Two ends of TLS; `ours` is that of the system, or one over a stream of the program's own. */
export async function tlsSockets(kind: 'over TCP' | 'over a stream'): Promise<TlsPair> {
  const [raw, below] = await connectedSockets('TCP');
  for (const socket of [raw, below]) socket.on('error', () => {});
  const options = { isServer: true, pskCallback: () => KEY, ...CIPHERS };
  const theirs = new TLSSocket(lineOver(raw), options);
  const ours = connect({
    socket: kind === 'over TCP' ? below : lineOver(below, true),
    pskCallback: () => ({ psk: KEY, identity: 'test' }),
    checkServerIdentity: () => undefined,
    ...CIPHERS,
  });
  ours.allowHalfOpen = true;
  theirs.allowHalfOpen = true;
  for (const socket of [ours, theirs]) socket.on('error', () => {});
  await once(ours, 'secureConnect');
  return { ours, theirs, raw };
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
