import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { OptionError } from 'wsproxy-node/options';

/** PEM, as text or bytes. */
export interface TlsOptions {
  /** The certificate of the server, followed by those between it and the root. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Only clients with a certificate of this authority complete the TLS handshake (mutual TLS). */
  readonly clientCa?: string | Buffer;
  /**
   * Which certificates of clients count no more: a revocation list (RFC 5280) for each authority between them and
   * `clientCa`, that one included, in one text. One that is missing or past its next update lets nobody in.
   */
  readonly clientCrl?: string | Buffer;
}

/** What one end of this program asks of another besides. */
export interface GatewayTls extends TlsOptions {
  /** Default: 1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

const WORDS: Readonly<Record<string, string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'the key is not that of the certificate',
  ERR_OSSL_PEM_NO_START_LINE: 'the certificate or the key is not in PEM form',
  ERR_OSSL_UNSUPPORTED: 'it holds no private key in PEM form',
  ERR_OSSL_BAD_DECRYPT: 'the key is encrypted; take its passphrase away: openssl pkey -in KEY -out NEW_KEY',
};

const NAMES = { clientCa: 'client CA', clientCrl: 'revocation list' } as const;

/**
 * What a TLS server takes, tried before.
 * @throws OptionError that says what is wrong with the certificate or the key
 */
export function secureContextOptions({
  cert,
  key,
  clientCa,
  clientCrl,
  minVersion = 'TLSv1.2',
}: GatewayTls): SecureContextOptions {
  for (const [name, pem] of Object.entries({ cert, key })) {
    // In a program without types; Node would take neither for a server without any.
    if (pem === undefined) throw new OptionError(`tls.${name}`, 'is missing: TLS needs cert and key');
  }
  if (clientCrl !== undefined && clientCa === undefined) {
    throw new OptionError('tls.clientCrl', 'a revocation list needs the client CA beside it');
  }
  const options: SecureContextOptions = {
    cert,
    key,
    minVersion,
    ...(clientCa !== undefined && { ca: blocksOf(clientCa, '(?:TRUSTED |X509 )?CERTIFICATE', 'clientCa') }),
    ...(clientCrl !== undefined && { crl: blocksOf(clientCrl, 'X509 CRL', 'clientCrl') }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const key = String(cert).includes('-----BEGIN CERTIFICATE-----') ? 'tls.key' : 'tls.cert';
    throw new OptionError(key, WORDS[code] ?? message, { cause: error });
  }
  return options;
}

/** When the first of the certificates that are shown stops counting, ms since 1970. */
export function expiryOf({ cert }: TlsOptions): number {
  const blocks = String(cert).match(blocksNamed('(?:TRUSTED |X509 )?CERTIFICATE')) ?? [];
  return Math.min(...blocks.map((pem) => Date.parse(new X509Certificate(pem).validTo)));
}

/**
 * Every one of a text, since Node reads only the first revocation list, and takes an empty text for none: it would then
 * let in clients of any authority, and revoked ones.
 */
function blocksOf(pem: string | Buffer, label: string, key: 'clientCa' | 'clientCrl'): string[] {
  const blocks = String(pem).match(blocksNamed(label));
  if (blocks === null) throw new OptionError(`tls.${key}`, `the ${NAMES[key]} is not in PEM form`);
  return blocks;
}

function blocksNamed(label: string): RegExp {
  return new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, 'g');
}
