import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeSocks4Reply, parseSocks4Request } from '../../../src/accept/socks/socks4-codec.js';
import { expectSoundParser } from '../parse-properties.js';
import { GRANTED, hex, REJECTED, request4a } from '../socks-bytes.js';

describe('parseSocks4Request', () => {
  it.each([
    ['B1 an address with a user id', hex('04 01 0050 01020304 726f6f74 00'), '1.2.3.4', 80],
    ['B1 an address without a user id', hex('04 01 01bb 7f000001 00'), '127.0.0.1', 443],
    ['an address of net 0 that is not a 4a mark', hex('04 01 0050 00000100 00'), '0.0.1.0', 80],
    ['B1 a 4a name', request4a('Example.org'), 'example.org', 80],
    ['a 4a name behind the longest user id', request4a('example.org', 8080, 'u'.repeat(255)), 'example.org', 8080],
    ['an IP literal as a 4a name', request4a('::1'), '::1', 80],
  ])('reads %s', (_title, bytes, host, port) => {
    expect(parseSocks4Request(bytes)).toEqual({ state: 'done', value: { host, port }, length: bytes.length });
  });

  it.each([
    ['nothing', hex('')],
    ['a header without a user id', hex('04 01 0050 01020304')],
    ['a user id without its NUL', hex('04 01 0050 01020304 726f6f74')],
    ['a 4a name without its NUL', request4a('example.org').subarray(0, -1)],
  ])('waits for more after %s', (_title, bytes) => {
    expect(parseSocks4Request(bytes)).toEqual({ state: 'more' });
  });

  it.each([
    ['B3 a 4a name of 256 bytes', request4a('a'.repeat(256))],
    ['B3 a 4a name that never ends', Buffer.concat([request4a('').subarray(0, -1), Buffer.alloc(256, 'a')])],
    ['a user id of 256 bytes', request4a('example.org', 80, 'u'.repeat(256))],
    ['an empty 4a name', request4a('')],
    ['a 4a name with a space', request4a('a b')],
    ['B4 the address 0.0.0.0', hex('04 01 0050 00000000 00')],
    ['B5 BIND', hex('04 02 0050 01020304 00')],
    ['port 0', hex('04 01 0000 01020304 00')],
  ])('rejects %s', (_title, bytes) => {
    expect(parseSocks4Request(bytes)).toMatchObject({ state: 'invalid', reply: REJECTED });
  });

  it('rejects another version in silence', () => {
    expect(parseSocks4Request(hex('05'))).toEqual({ state: 'invalid', reason: 'not SOCKS4' });
  });

  it('is sound', () => {
    const text = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes.map((byte) => byte || 1)));
    const request = fc
      .tuple(
        fc.constantFrom(1, 1, 1, 2),
        fc.constantFrom('0050', '0000'),
        fc.constantFrom('00000001', '01020304', '00000000'),
        text,
        text,
      )
      .map(([code, port, address, user, name]) =>
        Buffer.concat([Buffer.of(4, code), hex(port), hex(address), user, hex('00'), name, hex('00')]),
      );
    expectSoundParser(parseSocks4Request, request, 8 + 256 + 256);
  });
});

describe('encodeSocks4Reply', () => {
  it.each([
    [0x5a, GRANTED],
    [0x5b, REJECTED],
  ])('writes reply %i', (code, bytes) => {
    expect(encodeSocks4Reply(code)).toEqual(bytes);
  });
});
