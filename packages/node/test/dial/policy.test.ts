import { describe, expect, test } from 'vitest';
import { createPolicy } from '../../src/dial/policy.js';

const own = ['127.0.0.1', '::1', '10.1.2.3', '192.0.2.2', '198.51.100.9', '45.0.0.1', '2a00::45'];
const ownAddresses = () => new Set(own);

describe('by default', () => {
  const policy = createPolicy({}, { ownAddresses });

  test.each(['1.1.1.1', '45.0.0.2', '2606:4700:4700::1111'])('allows %s', (address) => {
    expect(policy.check(address, 443)).toBeUndefined();
  });

  test.each([
    ['127.0.0.1', 'denied:loopback'],
    ['127.8.9.10', 'denied:loopback'],
    ['::1', 'denied:loopback'],
    ['0:0:0:0:0:0:0:1', 'denied:loopback'],
    ['::ffff:127.0.0.1', 'denied:loopback'],
    ['0.0.0.0', 'denied:unspecified'],
    ['::', 'denied:unspecified'],
    ['10.0.0.1', 'denied:private'],
    ['10.1.2.3', 'denied:private'],
    ['fd00::1', 'denied:private'],
    ['169.254.1.1', 'denied:link-local'],
    ['fe80::1', 'denied:link-local'],
    ['169.254.169.254', 'denied:metadata'],
    ['::ffff:169.254.169.254', 'denied:metadata'],
    ['fd00:ec2::254', 'denied:metadata'],
    ['168.63.129.16', 'denied:metadata'],
    ['224.0.0.1', 'denied:multicast'],
    ['255.255.255.255', 'denied:reserved'],
    ['192.0.2.2', 'denied:reserved'],
    ['64:ff9b::7f00:1', 'denied:translated'],
    ['2002:7f00:1::', 'denied:translated'],
    ['45.0.0.1', 'denied:own-address'],
    ['2a00:0:0::45', 'denied:own-address'],
    ['::ffff:45.0.0.1', 'denied:own-address'],
    ['example.com', 'denied:invalid'],
    ['fe80::1%eth0', 'denied:invalid'],
    ['', 'denied:invalid'],
  ])('answers for %s: %s', (address, rule) => {
    expect(policy.check(address, 443)).toBe(rule);
  });

  test("knows this host's own addresses without being told", () => {
    expect(createPolicy().check('127.0.0.1', 80)).toBe('denied:loopback');
    expect(createPolicy().check('1.1.1.1', 80)).toBeUndefined();
  });
});

describe('with allowPrivate', () => {
  const policy = createPolicy({ allowPrivate: true }, { ownAddresses });

  test.each([
    '1.1.1.1',
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '10.0.0.1',
    '192.168.1.1',
    '100.64.0.1',
    'fd00::1',
    '169.254.1.1',
    '45.0.0.1',
    '192.0.2.2',
  ])('allows %s', (address) => {
    expect(policy.check(address, 443)).toBeUndefined();
  });

  test.each([
    ['0.0.0.0', 'denied:unspecified'],
    ['::', 'denied:unspecified'],
    ['169.254.169.254', 'denied:metadata'],
    ['fd00:ec2::254', 'denied:metadata'],
    ['100.100.100.200', 'denied:metadata'],
    ['192.0.0.192', 'denied:metadata'],
    ['168.63.129.16', 'denied:metadata'],
    ['224.0.0.1', 'denied:multicast'],
    ['ff02::1', 'denied:multicast'],
    ['203.0.113.1', 'denied:reserved'],
    ['64:ff9b::7f00:1', 'denied:translated'],
    ['localhost', 'denied:invalid'],
  ])('still answers for %s: %s', (address, rule) => {
    expect(policy.check(address, 443)).toBe(rule);
  });

  test('denies a metadata address even where an interface of this host has it', () => {
    const local = createPolicy({ allowPrivate: true }, { ownAddresses: () => new Set(['169.254.169.254']) });
    expect(local.check('169.254.169.254', 80)).toBe('denied:metadata');
  });
});

describe("the server's own listening address", () => {
  const listeningOn = (address: string) =>
    createPolicy({ allowPrivate: true }, { ownAddresses, listening: () => [{ address, port: 8080 }] });

  test.each(['127.0.0.1', '::ffff:127.0.0.1'])(
    'is denied as %s although private destinations are allowed',
    (address) => {
      expect(listeningOn('127.0.0.1').check(address, 8080)).toBe('denied:own-listener');
    },
  );

  test('does not stand for other ports and other addresses', () => {
    expect(listeningOn('127.0.0.1').check('127.0.0.1', 8081)).toBeUndefined();
    expect(listeningOn('127.0.0.1').check('::1', 8080)).toBeUndefined();
    expect(listeningOn('127.0.0.1').check('127.0.0.2', 8080)).toBeUndefined();
  });

  test.each(['0.0.0.0', '::'])('is denied at every address of the host when it is %s', (wildcard) => {
    for (const address of [...own, '127.9.9.9', '::ffff:10.1.2.3']) {
      expect(listeningOn(wildcard).check(address, 8080)).toBe('denied:own-listener');
    }
    expect(listeningOn(wildcard).check('10.1.2.4', 8080)).toBeUndefined();
    expect(listeningOn(wildcard).check('10.1.2.3', 80)).toBeUndefined();
  });

  test('is asked for at every check, since the port is known only once the server listens', () => {
    const listening: { address: string; port: number }[] = [];
    const policy = createPolicy({ allowPrivate: true }, { ownAddresses, listening: () => listening });
    expect(policy.check('127.0.0.1', 8080)).toBeUndefined();
    listening.push({ address: '127.0.0.1', port: 8080 });
    expect(policy.check('127.0.0.1', 8080)).toBe('denied:own-listener');
  });
});
