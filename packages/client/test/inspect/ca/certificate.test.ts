import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCertificate, serverExtensions } from '../../../src/inspect/ca/certificate.js';

test('OpenSSL reads of a certificate what was written into it', () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { subject: 'the CA', ...keys };
  const name = fc.oneof(
    fc.domain(),
    fc.domain().map((domain) => `*.${domain}`),
    fc.ipV4(),
    // As Node spells it.
    fc.constantFrom('2001:DB8:0:0:0:0:0:1', 'FE80:0:0:0:0:0:0:1F'),
  );
  const seconds = fc.integer({ min: Date.UTC(1951, 0) / 1_000, max: Date.UTC(2200, 0) / 1_000 });
  const task = fc.record({
    subject: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    names: fc.uniqueArray(name, { minLength: 1, maxLength: 40 }),
    from: seconds,
    to: seconds,
  });
  fc.assert(
    fc.property(task, ({ subject, names, from, to }) => {
      const validity = { from: new Date(from * 1_000), to: new Date(to * 1_000) };
      const extensions = serverExtensions(names);
      const text = createCertificate({ subject, validity, publicKey: keys.publicKey, issuer, extensions });
      const read = new X509Certificate(text);
      expect(read.toLegacyObject().subject.CN).toBe(subject);
      expect(read.subjectAltName?.split(', ')).toEqual(
        names.map((one) => (/^[\d.]+$|:/.test(one) ? `IP Address:${one}` : `DNS:${one}`)),
      );
      expect([Date.parse(read.validFrom), Date.parse(read.validTo)]).toEqual([from * 1_000, to * 1_000]);
      expect([read.verify(keys.publicKey), read.ca]).toEqual([true, false]);
    }),
  );
});
