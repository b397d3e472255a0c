import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { zeros } from '../../src/bytes.js';
import { decodeDatagram, encodeDatagram, encodeHead, headLength, NO_PEER } from '../../src/frame/datagram.js';

describe('the payload of DATAGRAM', () => {
  const peers = fc.oneof(
    fc.record({ host: fc.ipV4(), port: fc.integer({ min: 1, max: 65_535 }) }),
    fc.record({ host: fc.domain().map((name) => name.toLowerCase()), port: fc.integer({ min: 1, max: 65_535 }) }),
  );

  test('brings back the peer and the data', () => {
    fc.assert(
      fc.property(fc.option(peers, { nil: undefined }), fc.uint8Array({ maxLength: 2_000 }), (peer, bytes) => {
        const head = peer === undefined ? NO_PEER : encodeHead(peer);
        const payload = encodeDatagram(head ?? zeros(0), bytes);
        expect(decodeDatagram(payload ?? zeros(0))).toEqual({ peer, data: bytesOf(bytes) });
        expect(headLength(payload ?? zeros(0))).toBe(head?.length);
      }),
    );
  });

  test('is never read beyond its end, no matter what it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 300 }), fc.nat(8), (bytes, family) => {
        bytes[0] = 0;
        bytes[1] = family;
        const datagram = decodeDatagram(bytes);
        if (datagram === undefined) return;
        expect(datagram.data.length).toBe(bytes.length - (headLength(bytes) ?? Number.NaN));
        if (datagram.peer !== undefined) expect(encodeHead(datagram.peer)).toBeDefined();
      }),
      { numRuns: 2_000 },
    );
  });

  test('keeps no more memory than its own while it waits', () => {
    const payload = encodeDatagram(NO_PEER, zeros(10));
    expect(payload?.buffer.byteLength).toBe(12);
  });

  test('takes 65 507 bytes beside an address, and beside a name of 23', () => {
    const most = zeros(65_507);
    for (const host of ['192.0.2.1', '2001:db8::1', `${'a'.repeat(19)}.org`]) {
      const head = encodeHead({ host, port: 1 }) ?? zeros(100);
      expect(encodeDatagram(head, most)).toHaveLength(head.length + 65_507);
    }
    expect(encodeDatagram(encodeHead({ host: `${'a'.repeat(20)}.org`, port: 1 }) ?? zeros(0), most)).toBeUndefined();
  });
});
