import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHost } from 'wsproxy-engine';
import { parseSocks5Datagram } from '../../../src/accept/socks/socks5-datagram.js';
import { datagram5, hex } from '../socks-bytes.js';

const NAME = Buffer.from('Example.ORG.', 'latin1');

/** A header with this address and port, as hexadecimal digits, and `data`. */
function datagram(address: string, port: string, data = 'data'): Buffer {
  return Buffer.concat([hex(`0000 00 ${address} ${port}`), Buffer.from(data)]);
}

describe('a datagram of an application', () => {
  it.each([
    ['an IPv4 address', datagram('01 c0000201', '0035'), '192.0.2.1', 53, undefined],
    ['an IPv6 address', datagram('04 20010db8000000000000000000000001', '01bb'), '2001:db8::1', 443, undefined],
    ['a name', datagram(`03 0c ${NAME.toString('hex')}`, '0050'), 'example.org', 80, 'Example.ORG.'],
    ['a literal as a name', datagram('03 09 3132372e302e302e31', '0050'), '127.0.0.1', 80, '127.0.0.1'],
    ['reserved bytes that are not 0', hex('ffff 00 01 c0000201 0035 64617461'), '192.0.2.1', 53, undefined],
  ])('for %s is read', (_title, bytes, host, port, spelling) => {
    expect(parseSocks5Datagram(bytes)).toEqual({ peer: { host, port }, spelling, data: Buffer.from('data') });
  });

  it('may be empty', () => {
    expect(parseSocks5Datagram(datagram('01 c0000201', '0035', ''))).toMatchObject({ data: Buffer.alloc(0) });
  });

  it.each([
    ['port 0', datagram('01 c0000201', '0000')],
    ['an unknown type of address', datagram('02 c0000201', '0035')],
    ['an empty name', datagram('03 00', '0035')],
    ['a name that is none', datagram('03 03 612062', '0035')],
    ['a short form of an address', datagram('03 05 3132372e31', '0035')],
    ['a name that ends before its length', hex('0000 00 03 ff 61 0035')],
    ['nothing', Buffer.alloc(0)],
  ])('with %s is malformed', (_title, bytes) => {
    expect(parseSocks5Datagram(bytes)).toBe('malformed');
  });

  it('is malformed when its header is cut anywhere', () => {
    for (const whole of [datagram('01 c0000201', '0035', ''), datagram(`03 0c ${NAME.toString('hex')}`, '0050', '')]) {
      for (let length = 0; length < whole.length; length += 1) {
        expect(parseSocks5Datagram(whole.subarray(0, length))).toBe('malformed');
      }
    }
  });

  it.each([1, 0x7f, 0x80, 0xff])('with FRAG %i is a fragment, no matter what else it is', (frag) => {
    expect(parseSocks5Datagram(Buffer.concat([Buffer.of(0, 0, frag), hex('01 c0000201 0035')]))).toBe('fragment');
    expect(parseSocks5Datagram(Buffer.of(0, 0, frag))).toBe('fragment');
  });

  it('is never taken for more than it holds, no matter what its bytes', () => {
    const header = fc.tuple(fc.constantFrom(0, 0, 0, 1), fc.constantFrom(1, 3, 4, 0), fc.nat(255));
    const likely = fc.tuple(header, fc.uint8Array({ maxLength: 40 })).map(([[frag, type, length], rest]) => {
      return Buffer.concat([Buffer.of(0, 0, frag, type, length), rest]);
    });
    const any = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(any, likely), (bytes) => {
        const read = parseSocks5Datagram(bytes);
        if (typeof read === 'string') return;
        expect(bytes.subarray(bytes.length - read.data.length)).toEqual(read.data);
        expect(parseHost(read.peer.host)).toBe(read.peer.host);
        expect(read.peer.port).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a datagram for an application', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());

  it('names its peer so that the application reads what it would have written', () => {
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), fc.uint8Array({ maxLength: 100 }), (name, port, data) => {
        // As a flow has it: in canonical spelling.
        const asked = parseSocks5Datagram(datagram5({ host: name.toLowerCase(), port }, data));
        if (typeof asked === 'string') throw new Error(asked);
        expect(asked.data).toEqual(Buffer.from(data));
        expect(parseSocks5Datagram(datagram5(asked.peer, data))).toEqual(asked);
      }),
    );
  });

  it.each([
    ['192.0.2.1', undefined, '01 c0000201'],
    ['2001:db8::1', undefined, '04 20010db8000000000000000000000001'],
    ['::', undefined, '04 00000000000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', undefined, '04 00010002000300040005000600070008'],
    ['::ffff:127.0.0.1', undefined, '04 00000000000000000000ffff7f000001'],
    ['example.org', undefined, `03 0b ${Buffer.from('example.org').toString('hex')}`],
    ['example.org', 'Example.ORG.', `03 0c ${NAME.toString('hex')}`],
    ['127.0.0.1', '127.0.0.1', '03 09 3132372e302e302e31'],
  ])('from %s, which the application spells %s', (peer, spelling, address) => {
    const bytes = datagram5({ host: peer, port: 53 }, Buffer.from('data'), spelling);
    expect(bytes).toEqual(datagram(address, '0035'));
  });
});
