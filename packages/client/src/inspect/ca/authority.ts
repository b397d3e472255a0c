import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { authorityExtensions, createCertificate, type Issuer, serverExtensions } from './certificate.js';
import type { Constraints } from './constraints.js';

/** Signs for hosts, for a short time each. */
export class Authority {
  /** PEM. */
  readonly certificate: string;
  readonly #issuer: Issuer;
  /** By their names; the one that was used last is the last. */
  readonly #leaves = new Map<string, Leaf>();

  /** @throws Error when the two do not belong together, or are none */
  constructor({ certificate, key }: AuthorityFiles) {
    const read = new X509Certificate(certificate);
    const privateKey = createPrivateKey(key);
    if (!read.checkPrivateKey(privateKey)) throw new Error('the key is another than that of the certificate');
    this.certificate = certificate;
    this.#issuer = { subject: commonName(read), publicKey: createPublicKey(privateKey), privateKey };
  }

  /** Its common name, which no other authority has. */
  get name(): string {
    return this.#issuer.subject;
  }

  /** With a certificate for all of `names`, of which the first is what it is asked for by. */
  contextFor(names: readonly [string, ...string[]], now: Date): SecureContext {
    const key = names.join(' ');
    const kept = this.#leaves.get(key);
    this.#leaves.delete(key);
    const leaf = kept !== undefined && kept.renewAt > now.getTime() ? kept : this.#sign(names, now);
    this.#leaves.set(key, leaf);
    const [oldest] = this.#leaves.keys();
    if (this.#leaves.size > MAX_LEAVES && oldest !== undefined) this.#leaves.delete(oldest);
    return leaf.context;
  }

  #sign(names: readonly [string, ...string[]], now: Date): Leaf {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cert = createCertificate({
      // RFC 5280: at most 64 characters. OpenSSL takes a bare address there for a name, which may not be allowed.
      subject: `inspected: ${names[0]}`.slice(0, 64),
      validity: { from: after(now, -DAY), to: after(now, LEAF_LIFE) },
      publicKey,
      issuer: this.#issuer,
      extensions: serverExtensions(names),
    });
    const context = createSecureContext({ cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) });
    return { context, renewAt: now.getTime() + LEAF_LIFE - DAY };
  }
}

/** Both as PEM. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A new one, which may sign for these alone. `id` tells it from others. */
export function createAuthority(constraints: Constraints, id: string, now: Date): AuthorityFiles {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = `wsproxy inspection ${id}`;
  const certificate = createCertificate({
    subject,
    validity: { from: after(now, -DAY), to: after(now, AUTHORITY_LIFE) },
    publicKey,
    issuer: { subject, publicKey, privateKey },
    extensions: [...authorityExtensions(), constraints.extension()],
  });
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

interface Leaf {
  readonly context: SecureContext;
  /** Milliseconds since 1970. */
  readonly renewAt: number;
}

export function commonName({ subject }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
}

function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}

const DAY: number = 24 * 60 * 60 * 1000;
const LEAF_LIFE: number = 7 * DAY;
const AUTHORITY_LIFE: number = 365 * DAY;
const MAX_LEAVES = 256;
