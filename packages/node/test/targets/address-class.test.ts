import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AddressClass, canonicalAddress, classifyAddress } from '../../src/targets/address-class.js';

/** [first address, last address, class, class before the first, class after the last] */
type Row = readonly [string, string, AddressClass, AddressClass | undefined, AddressClass | undefined];

const IPV4: readonly Row[] = [
  ['0.0.0.0', '0.255.255.255', 'unspecified', undefined, 'public'],
  ['10.0.0.0', '10.255.255.255', 'private', 'public', 'public'],
  ['100.64.0.0', '100.127.255.255', 'private', 'public', 'public'],
  ['127.0.0.0', '127.255.255.255', 'loopback', 'public', 'public'],
  ['169.254.0.0', '169.254.255.255', 'link-local', 'public', 'public'],
  ['172.16.0.0', '172.31.255.255', 'private', 'public', 'public'],
  ['192.0.0.0', '192.0.0.255', 'reserved', 'public', 'public'],
  ['192.0.2.0', '192.0.2.255', 'reserved', 'public', 'public'],
  ['192.88.99.0', '192.88.99.255', 'reserved', 'public', 'public'],
  ['192.168.0.0', '192.168.255.255', 'private', 'public', 'public'],
  ['198.18.0.0', '198.19.255.255', 'private', 'public', 'public'],
  ['198.51.100.0', '198.51.100.255', 'reserved', 'public', 'public'],
  ['203.0.113.0', '203.0.113.255', 'reserved', 'public', 'public'],
  ['224.0.0.0', '239.255.255.255', 'multicast', 'public', 'reserved'],
  ['240.0.0.0', '255.255.255.255', 'reserved', 'multicast', undefined],
  ['169.254.169.254', '169.254.169.254', 'metadata', 'link-local', 'link-local'],
  ['169.254.170.2', '169.254.170.2', 'metadata', 'link-local', 'link-local'],
  ['169.254.170.23', '169.254.170.23', 'metadata', 'link-local', 'link-local'],
  ['100.100.100.200', '100.100.100.200', 'metadata', 'private', 'private'],
  ['192.0.0.192', '192.0.0.192', 'metadata', 'reserved', 'reserved'],
  ['168.63.129.16', '168.63.129.16', 'metadata', 'public', 'public'],
];

const IPV6: readonly Row[] = [
  ['::', '::', 'unspecified', undefined, 'loopback'],
  ['::1', '::1', 'loopback', 'unspecified', 'translated'],
  ['::2', '::ffff:ffff', 'translated', 'loopback', 'reserved'],
  ['64:ff9b::', '64:ff9b::ffff:ffff', 'translated', 'reserved', 'reserved'],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', 'translated', 'reserved', 'reserved'],
  ['100::', '100::ffff:ffff:ffff:ffff', 'reserved', 'reserved', 'reserved'],
  ['2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff', 'translated', 'public', 'reserved'],
  ['2001:1::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved', 'translated', 'public'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved', 'public', 'public'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'translated', 'public', 'public'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved', 'public', 'public'],
  ['3fff:1000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'public', 'reserved', 'reserved'],
  ['2000::', '2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'public', 'reserved', 'translated'],
  ['fc00::', 'fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'private', 'reserved', 'private'],
  ['fd00::', 'fd00:0:ffff:ffff:ffff:ffff:ffff:ffff', 'private', 'private', 'private'],
  ['fdff::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'private', 'private', 'reserved'],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'link-local', 'reserved', 'private'],
  ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'private', 'link-local', 'multicast'],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'multicast', 'private', undefined],
  ['fd00:ec2::254', 'fd00:ec2::254', 'metadata', 'private', 'private'],
  ['fd00:ec2::23', 'fd00:ec2::23', 'metadata', 'private', 'private'],
  ['fd20:ce::254', 'fd20:ce::254', 'metadata', 'private', 'private'],
];

function toNumber(ip: string): bigint {
  if (ip.includes('.')) return ip.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [left = [], right] = ip.split('::').map((side) => (side === '' ? [] : side.split(':')));
  const groups = right === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

function fromNumber(value: bigint, like: string): string {
  const [count, bits, radix, separator] = like.includes('.') ? [4n, 8n, 10, '.'] : [8n, 16n, 16, ':'];
  const parts = Array.from(
    { length: Number(count) },
    (_, i) => (value >> ((count - 1n - BigInt(i)) * bits)) % (1n << bits),
  );
  return parts.map((part) => part.toString(radix)).join(separator);
}

const rows = [...IPV4, ...IPV6];

describe('a range', () => {
  test.each(rows)('from %s to %s is %s from end to end', (first, last, expected) => {
    expect(classifyAddress(first)).toBe(expected);
    expect(classifyAddress(last)).toBe(expected);
  });

  test.each(rows.filter(([, , , before]) => before !== undefined))('begins at %s', (first, _last, _class, before) => {
    expect(classifyAddress(fromNumber(toNumber(first) - 1n, first))).toBe(before);
  });

  test.each(rows.filter(([, , , , after]) => after !== undefined))(
    'from %s ends at %s',
    (first, last, _class, _before, after) => {
      expect(classifyAddress(fromNumber(toNumber(last) + 1n, first))).toBe(after);
    },
  );
});

describe('classifyAddress', () => {
  test.each(['1.1.1.1', '8.8.8.8', '223.255.255.255', '2606:4700:4700::1111', '2a00:1450:4001:830::200e'])(
    'calls %s public',
    (ip) => {
      expect(classifyAddress(ip)).toBe('public');
    },
  );

  test.each([
    ['::ffff:127.0.0.1', 'loopback'],
    ['::FFFF:7F00:1', 'loopback'],
    ['0:0:0:0:0:ffff:10.0.0.1', 'private'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['::ffff:a9fe:a9fe', 'metadata'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['::ffff:1.1.1.1', 'public'],
    ['0000:0000:0000:0000:0000:0000:0000:0001', 'loopback'],
    ['FD00:0EC2:0:0:0:0:0:0254', 'metadata'],
    ['::127.0.0.1', 'translated'],
    ['::169.254.169.254', 'translated'],
    ['64:ff9b::127.0.0.1', 'translated'],
    ['64:ff9b::a9fe:a9fe', 'translated'],
    ['2002:7f00:1::', 'translated'],
    ['::ffff:0:127.0.0.1', 'reserved'],
  ])('judges %s by what it reaches: %s', (ip, expected) => {
    expect(classifyAddress(ip)).toBe(expected);
  });

  test.each([
    '',
    'localhost',
    'example.com',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '256.0.0.1',
    '[::1]',
    '1.1.1.1/32',
    '1.1.1.1\0',
    'fe80::1%lo',
    '::ffff:127.0.0.1%lo',
  ])('calls %j invalid', (text) => {
    expect(classifyAddress(text)).toBe('invalid');
  });

  test('finds every class for a mapped address that it finds for the IPv4 address itself', () => {
    fc.assert(fc.property(fc.ipV4(), (ip) => classifyAddress(`::ffff:${ip}`) === classifyAddress(ip)));
  });

  test('calls no IPv6 address outside 2000::/3 public', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
        const ip = fromNumber(value, '::');
        const mapped = value >> 32n === 0xffffn;
        if (value >> 125n !== 1n && !mapped) expect(classifyAddress(ip)).not.toBe('public');
      }),
    );
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => isIP(text) !== 0 || classifyAddress(text) === 'invalid'),
    );
  });
});

describe('canonicalAddress', () => {
  test.each([
    ['1.2.3.4', '1.2.3.4'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::ffff:102:304', '1.2.3.4'],
    ['::1.2.3.4', '::1.2.3.4'],
  ])('writes %s as %s', (ip, expected) => {
    expect(canonicalAddress(ip)).toBe(expected);
  });

  test('is unchanged by a second time', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
        const address = canonicalAddress(ip) ?? '';
        expect(isIP(address)).not.toBe(0);
        expect(canonicalAddress(address)).toBe(address);
      }),
    );
  });
});
