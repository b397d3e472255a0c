import { tlsAlertOf } from 'wsproxy-node/internals';
import type { OptionNames } from './option-names.js';

/** What has gone wrong with TLS at one end of a connection. */
export interface TlsFailure {
  /** `speech`: what answers speaks no TLS that is known here. */
  readonly kind: 'ended' | 'distrust' | 'speech' | 'failed';
  /** To be put behind the name of the peer and its kind. */
  readonly what: string;
  readonly cure?: string;
  /** Trying again changes nothing. */
  readonly permanent: boolean;
}

/** Who speaks TLS with this end: a proxy is never shown a certificate of the client, nor asked for another name. */
export type TlsPeer = 'server' | 'proxy';

/** What `error` means, if it is one of TLS. */
export function explainTls(error: NodeJS.ErrnoException, peer: TlsPeer, names: OptionNames): TlsFailure | undefined {
  const explained = explain(error);
  if (explained === undefined) return undefined;
  const { kind, words, permanent } = explained;
  const [what, cureOf] = words;
  const isProxy = peer === 'proxy';
  const cure = cureOf?.({ ...names, who: isProxy ? 'the proxy' : 'the server', isProxy });
  return { kind, what, permanent, ...(cure !== undefined && { cure }) };
}

interface Explained extends Pick<TlsFailure, 'kind' | 'permanent'> {
  readonly words: Words;
}

function explain(error: NodeJS.ErrnoException): Explained | undefined {
  const { code = '', message } = error;
  const alert = tlsAlertOf(error);
  if (alert !== undefined) {
    const words = FINAL_ALERTS[alert];
    const word = `${ALERTS[alert] ?? 'an alert that is not known here'} (alert ${alert})`;
    return { kind: 'ended', permanent: words !== undefined, words: words ?? [word] };
  }
  const words = CERTIFICATE_CODES[code] ?? (code.includes('CERT') ? notAccepted(code) : undefined);
  if (words !== undefined) return { kind: 'distrust', permanent: true, words };
  if (!(code === 'EPROTO' || code.startsWith('ERR_SSL_'))) return undefined;
  const reason = (error as { reason?: string }).reason ?? REASON.exec(message)?.[1] ?? message;
  if (NO_TLS.test(reason)) return { kind: 'speech', permanent: true, words: NO_TLS_WORDS };
  if (!TOO_WEAK.test(reason)) return { kind: 'failed', permanent: false, words: [reason] };
  return { kind: 'distrust', permanent: true, words: [`its TLS is not safe enough (${reason})`, operator] };
}

/** Where OpenSSL has its reason, of an error that has none as a property. */
const REASON = /SSL routines:[^:]*:([^:]+)/;
/** What OpenSSL says of bytes that are no record of TLS, and of a version that is not allowed here. */
const NO_TLS = /wrong version number|unknown protocol|unsupported protocol|packet length too long|http request/;
const TOO_WEAK = /too (?:small|weak|short)|legacy/;

type Cure = (asked: OptionNames & { readonly who: string; readonly isProxy: boolean }) => string;
type Words = readonly [what: string, cure?: Cure];

const operator: Cure = ({ who }) => `ask who runs ${who}`;
const giveCa: Cure = ({ ca }) => `give the CA with ${ca}`;
const checkName: Cure = ({ sni, isProxy }) =>
  isProxy ? "check the host in the proxy's URL" : `check the host in the URL, or give ${sni}`;
/** A proxy is shown none. */
const checkCert: Cure = ({ cert, who, isProxy }) =>
  isProxy ? `wsproxy has none for proxies; ask who runs ${who}` : `check ${cert}`;
const giveCert: Cure = (asked) => (asked.isProxy ? checkCert(asked) : `give ${asked.certAndKey}`);

const NO_TLS_WORDS: Words = [
  'it does not speak TLS there, or no version known here',
  ({ isProxy }) =>
    isProxy
      ? 'check its port, or whether its URL should begin with http://'
      : 'check the port, or whether the URL should begin with ws://',
];

function notAccepted(code: string): Words {
  return [`its certificate is not accepted (${code})`, operator];
}

const UNKNOWN_CA: Words = ['its certificate comes from an unknown CA', giveCa];

const CERTIFICATE_CODES: Readonly<Record<string, Words>> = {
  CERT_HAS_EXPIRED: ['its certificate has expired', ({ who }) => `renew it on ${who}`],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', () => 'check the clock of this machine'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is self-signed', ({ ca }) => `give it with ${ca}`],
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'it does not send its whole certificate chain, or comes from an unknown CA',
    ({ ca, who }) => `complete the chain on ${who}, or give the CA with ${ca}`,
  ],
  CERT_REVOKED: ['its certificate was revoked', operator],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name', checkName],
};

const CERTIFICATE_REFUSED: Words = ['it does not accept the client certificate', checkCert];

/**
 * Alerts (RFC 8446 section 6) that come again as long as nobody changes anything. The others tell of bytes that have
 * arrived broken, or of a trouble of the peer's own: internal_error is what Caddy says as long as it has no certificate yet.
 */
const FINAL_ALERTS: Readonly<Record<number, Words>> = {
  40: [
    'it and this program have no way of TLS in common, or it wants a client certificate',
    (asked) => `${giveCert(asked)} if it does`,
  ],
  42: CERTIFICATE_REFUSED,
  43: CERTIFICATE_REFUSED,
  44: ['the client certificate was revoked', checkCert],
  45: ['the client certificate has expired', checkCert],
  46: CERTIFICATE_REFUSED,
  48: ['it does not know the CA of the client certificate', checkCert],
  49: ['it denies this client access', operator],
  70: ['its version of TLS is too old or too new for this program', operator],
  71: ['it and this program have no way of TLS in common that is safe enough', operator],
  109: ['it and this program have no way of TLS in common', operator],
  112: ['it does not know the name it was asked for', checkName],
  116: ['it wants a client certificate', giveCert],
  120: ['it does not speak HTTP/1.1 there', () => 'check the port'],
};

/** What the others are called there, and in RFC 5246 section 7.2 and RFC 7507. */
const ALERTS: Readonly<Record<number, string>> = {
  10: 'unexpected message',
  20: 'bad record MAC',
  21: 'decryption failed',
  22: 'record overflow',
  30: 'decompression failure',
  47: 'illegal parameter',
  50: 'decode error',
  51: 'decrypt error',
  60: 'export restriction',
  80: 'internal error, such as no certificate for this name yet',
  86: 'inappropriate fallback',
  90: 'user canceled',
  100: 'no renegotiation',
  110: 'unsupported extension',
  111: 'certificate unobtainable',
  113: 'bad certificate status response',
  114: 'bad certificate hash value',
  115: 'unknown PSK identity',
};
