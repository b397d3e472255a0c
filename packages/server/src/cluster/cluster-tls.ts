import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { OptionError } from 'wsproxy-node/options';
import { secureContextOptions, type TlsOptions } from '../gateway/tls.js';

/**
 * What the processes of different nodes prove to each other who they are by, PEM, as text or bytes. Anyone who has a certificate of
 * `ca` is one of them, and may say of anybody who that is: it must be an authority for this alone.
 */
export interface ClusterTls {
  /** The certificate of this node, followed by those between it and the root; for servers and for clients. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca: string | Buffer;
}

/**
 * The same for the server's end.
 * @throws OptionError (`clusterCert`, `clusterKey`, `clusterCa`) that says what is wrong with it
 */
export function checkClusterTls({ cert, key, ca }: ClusterTls): TlsOptions {
  const tls = { cert, key, clientCa: ca };
  try {
    secureContextOptions(tls);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new OptionError(NAMES[error.option] ?? 'clusterCert', error.problem, { cause: error });
  }
  const authorities = certificatesIn(ca);
  const isOfThese = certificatesIn(cert).some((each) => authorities.some((authority) => each.checkIssued(authority)));
  // Each would turn the other away, and nobody would say why.
  if (!isOfThese) throw new OptionError('clusterCert', 'the certificate is not of the authority of --cluster-ca');
  return tls;
}

/** The same for the client's end. */
export function secureContextOf({ cert, key, clientCa }: TlsOptions): SecureContext {
  return createSecureContext({ cert, key, ca: clientCa, minVersion: CLUSTER_TLS_VERSION });
}

export const CLUSTER_TLS_VERSION = 'TLSv1.3';

const NAMES: Readonly<Record<string, string>> = {
  'tls.cert': 'clusterCert',
  'tls.key': 'clusterKey',
  'tls.clientCa': 'clusterCa',
};

function certificatesIn(pem: string | Buffer): X509Certificate[] {
  const blocks = String(pem).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
