import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Peer } from 'wsproxy-engine';
import { DatagramHeaders } from '../../../src/accept/socks/datagram-headers.js';
import { parseSocks5Datagram } from '../../../src/accept/socks/socks5-datagram.js';
import { datagram5, hex } from '../socks-bytes.js';

test('no matter what came before, a datagram is read as it would be alone', () => {
  const peer = fc.record({
    host: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', 'example.org', 'example.com'),
    port: fc.constantFrom(53, 54),
  });
  const whole = fc.tuple(peer, fc.uint8Array({ maxLength: 8 })).map(([to, data]) => datagram5(to, data));
  const cut = fc.tuple(whole, fc.nat(40)).map(([bytes, length]) => bytes.subarray(0, length));
  const fragment = whole.map((bytes) => Buffer.concat([hex('0000 01'), bytes.subarray(3)]));
  const datagrams = fc.array(fc.oneof({ weight: 3, arbitrary: whole }, cut, fragment), { maxLength: 20 });
  fc.assert(
    fc.property(datagrams, (row) => {
      const headers = new DatagramHeaders();
      for (const bytes of row) {
        const alone = parseSocks5Datagram(bytes);
        const read = headers.read(bytes);
        if (typeof alone === 'string') expect(read).toBe(alone);
        else expect(read).toMatchObject({ peer: alone.peer, data: alone.data });
      }
    }),
  );
});

test('each answer names its own peer, in a row or not', () => {
  const headers = new DatagramHeaders();
  const peers: Peer[] = [
    { host: '192.0.2.1', port: 53 },
    { host: '192.0.2.1', port: 53 },
    { host: '192.0.2.1', port: 54 },
    { host: 'example.org', port: 54 },
    { host: '192.0.2.1', port: 53 },
  ];
  for (const [n, peer] of peers.entries()) {
    expect(headers.write(peer, Buffer.from(`${n}`))).toEqual(datagram5(peer, `${n}`));
  }
});

test('a name is answered as the application has spelled it last', () => {
  const headers = new DatagramHeaders();
  const peer = { host: 'example.org', port: 53 };
  for (const spelling of ['Example.ORG.', 'example.org', 'EXAMPLE.org']) {
    headers.read(datagram5(peer, 'ask', spelling));
    expect(headers.write(peer, Buffer.from('answer'))).toEqual(datagram5(peer, 'answer', spelling));
  }
});
