import { describe, expect, test } from 'vitest';
import { isIPv4, isIPv6 } from '../src/ip-address.js';

describe('an IPv4 address', () => {
  test.each(['0.0.0.0', '127.0.0.1', '192.0.2.10', '255.255.255.255'])('is %s', (text) => {
    expect(isIPv4(text)).toBe(true);
    expect(isIPv6(text)).toBe(false);
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '1.2.3.4.',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '１.2.3.4',
    '0x1.2.3.4',
  ])('is not %j', (text) => {
    expect(isIPv4(text)).toBe(false);
  });
});

describe('an IPv6 address', () => {
  test.each([
    '::',
    '::1',
    '1::',
    '2001:db8::1',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '::ffff:192.0.2.1',
    '1:2:3:4:5:6:192.0.2.1',
    'ABCD::EF01',
  ])('is %s', (text) => {
    expect(isIPv6(text)).toBe(true);
    expect(isIPv4(text)).toBe(false);
  });

  test.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '1::2::3',
    ':1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:8:',
    '12345::',
    'g::',
    '::1%eth0',
    '[::1]',
    '192.0.2.1::',
    '::192.0.2.1:1',
    '1:2:3:4:5:6:7:192.0.2.1',
    '::1.2.3',
    '::\n',
  ])('is not %j', (text) => {
    expect(isIPv6(text)).toBe(false);
  });
});
