import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseDestinationRule } from 'wsproxy-node/targets';
import { Authority, createAuthority } from '../../../src/inspect/ca/authority.js';
import { Constraints } from '../../../src/inspect/ca/constraints.js';

const NOW = new Date('2026-05-04T03:02:01Z');
const rules = new Constraints(['*.example.org', '10.0.0.0/8'].map(parseDestinationRule));
const files = createAuthority(rules, '0a1b2c3d', NOW);

/** What a context would show. */
function leafOf(authority: Authority, names: [string, ...string[]], now = NOW): X509Certificate {
  const { context } = authority.contextFor(names, now) as unknown as { context: { getCertificate(): Buffer } };
  return new X509Certificate(context.getCertificate());
}

describe('an authority', () => {
  test('signs itself for a year, and may sign no other authority', () => {
    const certificate = new X509Certificate(files.certificate);
    expect(certificate.subject).toBe('CN=wsproxy inspection 0a1b2c3d');
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect([certificate.validFrom, certificate.validTo]).toEqual([
      'May  3 03:02:01 2026 GMT',
      'May  4 03:02:01 2027 GMT',
    ]);
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(certificate.raw.includes(rules.extension())).toBe(true);
  });

  test('is refused with the key of another', () => {
    const { key } = createAuthority(rules, 'other', NOW);
    expect(() => new Authority({ certificate: files.certificate, key })).toThrow(/another/);
  });

  test('signs for names and addresses, for a week', () => {
    const authority = new Authority(files);
    const leaf = leafOf(authority, ['www.example.org', '*.example.org', '10.0.0.7']);
    const issuer = new X509Certificate(files.certificate);
    expect(leaf.checkIssued(issuer)).toBe(true);
    expect(leaf.verify(issuer.publicKey)).toBe(true);
    expect(leaf.subjectAltName).toBe('DNS:www.example.org, DNS:*.example.org, IP Address:10.0.0.7');
    expect(leaf.subject).toBe('CN=inspected: www.example.org');
    expect(leaf.ca).toBe(false);
    expect([leaf.validFrom, leaf.validTo]).toEqual(['May  3 03:02:01 2026 GMT', 'May 11 03:02:01 2026 GMT']);
  });

  test('signs once for the same names, until little is left of it', () => {
    const authority = new Authority(files);
    const first = leafOf(authority, ['a.example.org']).fingerprint256;
    expect(leafOf(authority, ['a.example.org']).fingerprint256).toBe(first);
    const later = (days: number): Date => new Date(NOW.getTime() + days * 86_400_000);
    expect(leafOf(authority, ['a.example.org'], later(5.9)).fingerprint256).toBe(first);
    const next = leafOf(authority, ['a.example.org'], later(6));
    expect(next.fingerprint256).not.toBe(first);
    expect(next.validTo).toBe('May 17 03:02:01 2026 GMT');
  });

  test('keeps those that were used last, and 256 of them', () => {
    const authority = new Authority(files);
    const [first, second] = ['first', 'second'].map((name) => leafOf(authority, [name]).fingerprint256);
    for (let n = 0; n < 254; n += 1) leafOf(authority, [`${n}.example.org`]);
    expect(leafOf(authority, ['first']).fingerprint256).toBe(first);
    leafOf(authority, ['one too many']);
    expect(leafOf(authority, ['first']).fingerprint256).toBe(first);
    expect(leafOf(authority, ['second']).fingerprint256).not.toBe(second);
  });
});
