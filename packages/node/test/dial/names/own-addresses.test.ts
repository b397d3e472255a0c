import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { createOwnAddresses } from '../../../src/dial/names/own-addresses.js';

type Interfaces = ReturnType<typeof networkInterfaces>;

function interfacesWith(...addresses: readonly string[]): Interfaces {
  const common = { netmask: '', mac: '', internal: false, cidr: null };
  return {
    eth0: addresses.map((address) => ({ ...common, address, family: 'IPv6' as const, scopeid: 0 })),
    gone: undefined,
  };
}

test('holds every address of every interface of this host', () => {
  const own = createOwnAddresses()();
  const listed = Object.values(networkInterfaces()).flatMap((infos) => infos ?? []);
  expect(listed.length).toBeGreaterThan(0);
  for (const { address } of listed) expect(own).toContain(address);
});

test('spells addresses canonically', () => {
  const own = createOwnAddresses(new FakeClock(), () => interfacesWith('FD00:0:0::2', '::ffff:203.0.113.7'));
  expect([...own()]).toEqual(['fd00::2', '203.0.113.7']);
});

test('reads the interfaces again once the last reading is 5 s old, and not before', () => {
  const clock = new FakeClock();
  let current = interfacesWith('203.0.113.1');
  const own = createOwnAddresses(clock, () => current);
  expect([...own()]).toEqual(['203.0.113.1']);

  current = interfacesWith('203.0.113.2');
  clock.advance(4_999);
  expect([...own()]).toEqual(['203.0.113.1']);
  clock.advance(1);
  expect([...own()]).toEqual(['203.0.113.2']);
});
