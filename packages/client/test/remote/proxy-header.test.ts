import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressText, type Peer } from 'wsproxy-engine';
import { proxyHeader } from '../../src/remote/proxy-header.js';

const SIGNATURE = '0d0a0d0a000d0a515549540a';

describe('the header of the PROXY protocol, byte for byte', () => {
  test('of IPv4', () => {
    const header = proxyHeader({ host: '192.0.2.7', port: 51_000 }, { host: '198.51.100.1', port: 443 });
    expect(hex(header)).toBe(`${SIGNATURE}2111000cc0000207c6336401c73801bb`);
  });

  test('of IPv6', () => {
    const header = proxyHeader({ host: '2001:db8::7', port: 1 }, { host: '::1', port: 65_535 });
    const addresses = `20010db8000000000000000000000007${'00000000000000000000000000000001'}`;
    expect(hex(header)).toBe(`${SIGNATURE}21210024${addresses}0001ffff`);
  });

  test('of one of each, which are both told as IPv6', () => {
    const header = proxyHeader({ host: '192.0.2.7', port: 258 }, { host: '2001:db8::1', port: 80 });
    const addresses = `00000000000000000000ffffc0000207${'20010db8000000000000000000000001'}`;
    expect(hex(header)).toBe(`${SIGNATURE}21210024${addresses}01020050`);
  });

  const PEER = { host: '192.0.2.7', port: 51_000 };

  test.each<[what: string, source: Peer | undefined, destination: Peer | undefined]>([
    ['nobody knows from whom it is', undefined, PEER],
    ['nobody knows to whom it came', PEER, undefined],
    ['it came to a path', PEER, { host: '/run/service', port: 0 }],
    ['it is from a name', { host: 'example.org', port: 1 }, PEER],
  ])('is LOCAL, and has no address, when %s', (_what, source, destination) => {
    expect(hex(proxyHeader(source, destination))).toBe(`${SIGNATURE}20000000`);
  });
});

test('any addresses and ports are read as they were written', () => {
  const address = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(addressText);
  const peer = (host: fc.Arbitrary<string>) => fc.record({ host, port: fc.integer({ min: 0, max: 65_535 }) });
  const pair = (length: number) => fc.tuple(peer(address(length)), peer(address(length)));
  fc.assert(
    fc.property(fc.oneof(pair(4), pair(16)), ([source, destination]) => {
      expect(read(Buffer.from(proxyHeader(source, destination)))).toEqual({ source, destination });
    }),
  );
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** As a service reads it that knows TCP over IPv4 and IPv6 alone. */
function read(header: Buffer): { source: Peer; destination: Peer } {
  expect(header.subarray(0, 12).toString('hex')).toBe(SIGNATURE);
  expect(header[12]).toBe(0x21);
  const size = header[13] === 0x11 ? 4 : 16;
  expect(header[13]).toBe(size === 4 ? 0x11 : 0x21);
  expect(header.readUInt16BE(14)).toBe(header.length - 16);
  const [from, to, ports] = [16, 16 + size, 16 + 2 * size];
  return {
    source: { host: addressText(header.subarray(from, to)), port: header.readUInt16BE(ports) },
    destination: { host: addressText(header.subarray(to, ports)), port: header.readUInt16BE(ports + 2) },
  };
}
