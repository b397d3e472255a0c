import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isExcepted } from '../../src/reach/no-proxy.js';

describe('NO_PROXY', () => {
  test.each([
    ['*', true],
    ['tunnel.example.org', true],
    ['TUNNEL.Example.org', true],
    ['example.org', true],
    ['.example.org', true],
    ['example.org.', true],
    ['.example.org.', true],
    ['other,tunnel.example.org', true],
    ['other, tunnel.example.org', true],
    ['other tunnel.example.org', true],
    ['other\ttunnel.example.org', true],
    [',,other,,  ,org,', true],
    ['', false],
    [',', false],
    ['.', false],
    ['..', false],
    [' *', false],
    ['other,*', false],
    ['*.example.org', false],
    ['..example.org', false],
    ['example.org..', false],
    ['ample.org', false],
    ['a.tunnel.example.org', false],
    ['tunnel.example.org:443', false],
    ['example.com example.net', false],
    ['wss://tunnel.example.org', false],
  ])('%j and a name', (list, isIn) => {
    expect(isExcepted('tunnel.example.org', list)).toBe(isIn);
    expect(isExcepted('Tunnel.Example.Org.', list)).toBe(isIn);
  });

  test.each([
    ['10.1.2.3', true],
    ['10.0.0.0/8', true],
    ['10.1.2.3/8', true],
    ['localhost, 10.0.0.0/8', true],
    ['10.1.2.2/31', true],
    ['10.1.2.3/32', true],
    ['10.1.2.3/0', true],
    ['0.0.0.0/0', false],
    ['10.1.2.4/31', false],
    ['11.0.0.0/8', false],
    ['10.0.0.0/33', false],
    ['10.0.0.0/-8', false],
    ['10.0.0.0', false],
    ['10.', false],
    ['.10.1.2.3', false],
    ['10.1.2.3.', false],
    ['2.3', false],
    ['10.0.0/8', false],
    ['010.1.2.3', false],
    ['10.1.2.3:443', false],
    ['::ffff:10.1.2.3', false],
    ['::/1', false],
  ])('%j and an IPv4 address', (list, isIn) => {
    expect(isExcepted('10.1.2.3', list)).toBe(isIn);
  });

  test.each([
    ['2001:db8::1', true],
    ['2001:DB8:0::1', true],
    ['2001:db8::/32', true],
    ['2001:db8::/30', true],
    ['2001:db8::1/128', true],
    ['2001:db9::/32', false],
    ['2001:db8::/129', false],
    ['2001:db8::', false],
    ['::/0', false],
    ['[2001:db8::1]', false],
    ['[2001:db8::1]:443', false],
    ['2001:db8::1%lo', false],
    ['0.0.0.0/1', false],
  ])('%j and an IPv6 address', (list, isIn) => {
    expect(isExcepted('2001:db8::1', list)).toBe(isIn);
  });

  test('has every address of a range and no other, no matter which it is', () => {
    const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
    fc.assert(
      fc.property(word, word, fc.integer({ min: 1, max: 32 }), (network, host, bits) => {
        const isSame = network >>> (32 - bits) === host >>> (32 - bits);
        expect(isExcepted(text(host), `${text(network)}/${bits}`)).toBe(isSame);
      }),
    );
  });

  test('may hold anything', () => {
    const hosts = fc.constantFrom('example.org', '192.0.2.1', '2001:db8::1');
    fc.assert(fc.property(hosts, fc.string(), (host, list) => void isExcepted(host, list)));
  });
});
