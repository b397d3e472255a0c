import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { OptionError } from './option-error.js';

/** PEM, as text or bytes. */
export interface TlsOptions {
  /** The certificate of the server, followed by those between it and the root. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Only clients with a certificate of this authority complete the TLS handshake (mutual TLS). */
  readonly clientCa?: string | Buffer;
}

const WORDS: Readonly<Record<string, string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'the key is not that of the certificate',
  ERR_OSSL_PEM_NO_START_LINE: 'the certificate, the key or the client CA is not in PEM form',
};

/**
 * What a TLS server takes, tried before.
 * @throws OptionError that says what is wrong with the certificate or the key
 */
export function secureContextOptions({ cert, key, clientCa }: TlsOptions): SecureContextOptions {
  const options: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2', ...(clientCa && { ca: clientCa }) };
  try {
    createSecureContext(options);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new OptionError('tls', WORDS[code] ?? message, { cause: error });
  }
  return options;
}
