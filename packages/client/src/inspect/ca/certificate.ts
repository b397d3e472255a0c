import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { addressBytes } from 'wsproxy-engine';
import { bits, integer, numbered, octets, oid, sequence, set, text, time, yes } from './der.js';

/** A certificate by RFC 5280, as PEM. Keys are of the curve P-256. */
export function createCertificate({ subject, validity, publicKey, issuer, extensions }: CertificateTask): string {
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const content = sequence(
    numbered(0, integer(Buffer.from([2]))),
    // Section 4.1.2.2: not zero, and at most 20 bytes.
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    nameOf(issuer.subject),
    sequence(time(validity.from), time(validity.to)),
    nameOf(subject),
    key,
    numbered(
      3,
      sequence(
        extension('2.5.29.14', octets(keyId(publicKey))),
        extension('2.5.29.35', sequence(numbered(0, keyId(issuer.publicKey), true))),
        ...extensions,
      ),
    ),
  );
  const signature = sign('sha256', content, issuer.privateKey);
  return pem(sequence(content, ECDSA_WITH_SHA256, bits(signature)));
}

export interface CertificateTask {
  /** Its common name. */
  readonly subject: string;
  readonly validity: Validity;
  readonly publicKey: KeyObject;
  readonly issuer: Issuer;
  readonly extensions: readonly Buffer[];
}

export interface Validity {
  readonly from: Date;
  readonly to: Date;
}

export interface Issuer {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** One that signs others, which sign nothing. */
export function authorityExtensions(): Buffer[] {
  return [
    extension('2.5.29.19', sequence(yes(), integer(Buffer.from([0]))), true),
    // keyCertSign
    extension('2.5.29.15', bits(Buffer.from([0x04]), 2), true),
    extension('2.5.29.37', sequence(SERVER_AUTHENTICATION)),
  ];
}

/** Of a server with these names and addresses. */
export function serverExtensions(names: readonly string[]): Buffer[] {
  return [
    extension('2.5.29.19', sequence(), true),
    // digitalSignature
    extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
    extension('2.5.29.37', sequence(SERVER_AUTHENTICATION)),
    extension('2.5.29.17', sequence(...names.map((name) => (isIP(name) === 0 ? dnsName(name) : ipName(name))))),
  ];
}

export function extension(name: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(oid(name), ...(isCritical ? [yes()] : []), octets(value));
}

/** RFC 5280 section 4.2.1.6; and of a domain, with all below it. */
export const dnsName = (name: string): Buffer => numbered(2, Buffer.from(name, 'latin1'), true);

function ipName(address: string): Buffer {
  return numbered(7, bytesOf(address), true);
}

/** Of an address, the highest first. */
export function bytesOf(address: string): Buffer {
  return Buffer.from(addressBytes(address) ?? []);
}

function nameOf(common: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), text(common))));
}

/** RFC 7093 section 2. */
function keyId(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

const ECDSA_WITH_SHA256: Buffer = sequence(oid('1.2.840.10045.4.3.2'));
const SERVER_AUTHENTICATION: Buffer = oid('1.3.6.1.5.5.7.3.1');
