import { endianness } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type Ends, peerRowOf, rowsOf } from '../../src/sockets/connection-rows.js';

/** A word of 32 bits, given as it goes over the wire, as this machine writes it. */
function word(bigEndian: string): string {
  return endianness() === 'BE' ? bigEndian : (bigEndian.match(/../g) ?? []).toReversed().join('');
}

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const [LOCAL, OTHER] = [word('7F000001'), word('7F000009')];
const MAPPED = `0000000000000000${word('0000FFFF')}${LOCAL}`;
const LOOPBACK6 = `${'0'.repeat(24)}${word('00000001')}`;

/** A row of an end at port 40000 that talks with port 8080. */
function row(own: string, other: string, state: string, unread: string): string {
  const queues = `00000000:${unread} 00:00000000 00000000  1000        0 48213 1 0000000000000000 20 4 30 10 -1`;
  return `   7: ${own}:9C40 ${other}:1F90 ${state} ${queues}\n`;
}

const hereTo = (address: string): Ends => ({
  localAddress: address,
  localPort: 8080,
  remoteAddress: address,
  remotePort: 40_000,
});

describe('a row of the connections of Linux', () => {
  it.each([
    ['of IPv4', row(LOCAL, LOCAL, '01', '00000000'), '127.0.0.1', true],
    ['of IPv4 with something to read', row(LOCAL, LOCAL, '01', '0000004B'), '127.0.0.1', false],
    ['of IPv4 in the table of IPv6', row(MAPPED, MAPPED, '01', '00000001'), '127.0.0.1', false],
    ['of IPv4 that a socket calls IPv6', row(LOCAL, LOCAL, '01', '00000001'), '::ffff:127.0.0.1', false],
    ['of IPv6', row(LOOPBACK6, LOOPBACK6, '01', '00000001'), '::1', false],
    ['of what was there a minute ago', row(LOCAL, LOCAL, '06', '00000000'), '127.0.0.1', true],
    ['of another address', row(OTHER, OTHER, '01', '00000001'), '127.0.0.1', undefined],
    ['to another address', row(LOCAL, OTHER, '01', '00000001'), '127.0.0.1', undefined],
    ['of a port that is listened on', row(LOCAL, '00000000', '0A', '00000000'), '127.0.0.1', undefined],
  ])('%s', (_title, text, address, hasRead) => {
    const rows = new Map(rowsOf(HEAD + text));
    expect(rows.get(`${peerRowOf(hereTo(address))}`)).toBe(hasRead);
  });

  it.each<[title: string, ends: Ends]>([
    ['of a Unix socket', {}],
    ['of another machine by IPv6', hereTo('2001:db8::1')],
  ])('is not looked for, if it is %s', (_title, ends) => {
    expect(peerRowOf(ends)).toBeUndefined();
  });

  it('is found among many', () => {
    const others = Array.from({ length: 1_000 }, () => row(OTHER, OTHER, '06', '00000000')).join('');
    const rows = new Map(rowsOf(`${HEAD}${others}${row(LOCAL, LOCAL, '01', '00000001')}${others}`));
    expect([...rows.values()]).toEqual([true, false]);
  });
});
