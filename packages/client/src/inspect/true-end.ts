import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type SecureContext, type TLSSocket } from 'node:tls';
import { parseName } from 'wsproxy-engine';
import { tlsAlertOf } from 'wsproxy-node/internals';

/**
 * TLS with the destination, as the application would have it. Rejects when that is not possible, when the certificate is not for
 * `name` or is signed by none of the CAs, and when the destination asks for a certificate, which the application alone may have.
 */
export function secureTrueEnd(stream: Duplex, task: TrueEndTask): Promise<TLSSocket> {
  const { name, protocols, trust } = task;
  return new Promise((resolve, reject) => {
    const options: ConnectionOptions = {
      ...{ highWaterMark: HIGH_WATER },
      ...{ socket: stream, host: name, servername: isIP(name) === 0 ? name : '' },
      ...(protocols !== undefined && { ALPNProtocols: [...protocols] }),
      ...(trust !== undefined && { secureContext: trust }),
      // It is judged below: what is no fault of TLS is told apart from what is.
      rejectUnauthorized: false,
    };
    const socket = connect(options);
    const onError = (error: Error): void => reject(refusalOf(error) ?? error);
    const onClose = (): void => reject(new Error('the destination has ended the connection'));
    socket.once('error', onError).once('close', onClose);
    socket.once('secureConnect', () => {
      socket.off('error', onError).off('close', onClose);
      socket.on('error', () => {});
      const problem = problemOf(socket);
      if (problem === undefined) return resolve(socket);
      socket.destroy();
      reject(problem);
    });
  });
}

export interface TrueEndTask {
  readonly name: string;
  /** Undefined: none is offered. */
  readonly protocols: readonly string[] | undefined;
  /** With the CAs that it may be signed by; undefined: those that Node trusts. */
  readonly trust: SecureContext | undefined;
}

/** So much waits in either direction of TLS, bytes: with the 16 KiB that Node has, each record waits for the one before. */
export const HIGH_WATER = 131_072;

function problemOf(socket: TLSSocket): Error | undefined {
  if (!socket.authorized) return new Distrust(`its certificate is not trusted (${String(socket.authorizationError)})`);
  // Node takes the common name then, which browsers do not (RFC 9525 section 2).
  if (namesOf(socket).length === 0) return new Distrust('its certificate is not trusted (no host is in it)');
  // Node has them from a CertificateRequest, and tells of none in another way.
  if (socket.getSharedSigalgs().length > 0)
    return new TlsRefusal('the destination asks for a certificate of the client');
  return undefined;
}

/** Undefined where it is not about TLS. */
function refusalOf(error: Error): TlsRefusal | undefined {
  const alert = tlsAlertOf(error);
  if (alert !== undefined) return new TlsRefusal(`the destination refuses TLS of this program (alert ${alert})`, error);
  const { code = '' } = error as NodeJS.ErrnoException;
  return code.startsWith('ERR_SSL_')
    ? new TlsRefusal(`the destination speaks another TLS (${code})`, error)
    : undefined;
}

/** The certificate cannot be verified. */
export class Distrust extends Error {}

/** There is no TLS with the destination that this program could have in the place of the application. */
export class TlsRefusal extends Error {
  constructor(message: string, cause?: Error) {
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
