import { describe, expect, it } from 'vitest';
import { peerOf } from '../../src/targets/peer-of.js';

describe('peerOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('gives %s its one spelling', (address, host) => {
    expect(peerOf(address, 8_000)).toEqual({ host, port: 8_000 });
  });

  it('knows none of a socket that has no address', () => {
    expect(peerOf(undefined, undefined)).toBeUndefined();
  });
});
