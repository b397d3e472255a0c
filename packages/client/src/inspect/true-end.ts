import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { parseName } from 'wsproxy-engine';
import { tlsAlertOf } from 'wsproxy-node/internals';

/**
 * TLS with the destination, as the application would have it. Rejects when that is not possible, or when the certificate is not
 * for `name` or is signed by none of the CAs.
 */
export function secureTrueEnd(stream: Duplex, task: TrueEndTask): Promise<TLSSocket> {
  const { name, protocols, ca } = task;
  return new Promise((resolve, reject) => {
    const options: ConnectionOptions = {
      ...{ socket: stream, host: name, servername: isIP(name) === 0 ? name : '' },
      ...(protocols !== undefined && { ALPNProtocols: [...protocols] }),
      ...(ca !== undefined && { ca: [...ca] }),
      // It is judged below: what is no fault of TLS is told apart from what is.
      rejectUnauthorized: false,
    };
    const socket = connect(options);
    const onError = (error: Error): void => {
      const alert = tlsAlertOf(error);
      reject(
        alert === undefined
          ? error
          : new TlsRefusal(`the destination refuses TLS of this program (alert ${alert})`, error),
      );
    };
    const onClose = (): void => reject(new Error('the destination has ended the connection'));
    socket.once('error', onError).once('close', onClose);
    socket.once('secureConnect', () => {
      socket.off('error', onError).off('close', onClose);
      socket.on('error', () => {});
      if (socket.authorized) return resolve(socket);
      socket.destroy();
      reject(new Distrust(`its certificate is not trusted (${String(socket.authorizationError)})`));
    });
  });
}

export interface TrueEndTask {
  readonly name: string;
  /** Undefined: none is offered. */
  readonly protocols: readonly string[] | undefined;
  /** PEM; undefined: those that Node trusts. */
  readonly ca: readonly string[] | undefined;
}

/** The certificate cannot be verified. */
export class Distrust extends Error {}

/** The destination has ended the handshake: perhaps it wants a certificate of the client. */
export class TlsRefusal extends Error {
  constructor(message: string, cause: Error) {
    super(message, { cause });
  }
}

/** The names and addresses in the certificate of the destination, also those that begin with `*.`. */
export function namesOf(socket: TLSSocket): string[] {
  const { subjectaltname = '' } = socket.getPeerCertificate();
  return subjectaltname.split(', ').flatMap((entry) => {
    const [, kind, text = ''] = /^(DNS|IP Address):(.*)$/.exec(entry) ?? [];
    if (kind === 'IP Address') return isIP(text) === 0 ? [] : [text.toLowerCase()];
    const [, wildcard = '', bare = ''] = /^(\*\.)?(.*)$/.exec(text) ?? [];
    const name = kind === 'DNS' ? parseName(bare) : undefined;
    return name === undefined ? [] : [`${wildcard}${name}`];
  });
}

/** RFC 8446 section 6.2: certificate_required comes when the handshake is over for the client. */
export function wantsCertificate(error: Error | undefined): boolean {
  return error !== undefined && tlsAlertOf(error) === 116;
}
