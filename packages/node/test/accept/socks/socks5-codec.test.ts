import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHost } from 'wsproxy-engine';
import {
  encodeSocks5Method,
  encodeSocks5Reply,
  parseSocks5Greeting,
  parseSocks5Request,
} from '../../../src/accept/socks/socks5-codec.js';
import { expectSoundParser } from '../parse-properties.js';
import { hex, reply5, request5 } from '../socks-bytes.js';

describe('parseSocks5Greeting', () => {
  it.each([
    ['nothing', ''],
    ['the version alone', '05'],
    ['methods that are announced but missing', '05 02 00'],
  ])('waits for more after %s', (_title, bytes) => {
    expect(parseSocks5Greeting(hex(bytes))).toEqual({ state: 'more' });
  });

  it('gives the methods, and leaves what follows alone', () => {
    const result = parseSocks5Greeting(hex('05 02 00 02 05 01'));
    expect(result).toEqual({ state: 'done', value: hex('00 02'), length: 4 });
  });

  it('gives no method when none is offered', () => {
    expect(parseSocks5Greeting(hex('05 00'))).toEqual({ state: 'done', value: hex(''), length: 2 });
  });

  it('rejects another version in silence', () => {
    expect(parseSocks5Greeting(hex('04'))).toEqual({ state: 'invalid', reason: 'not SOCKS5' });
  });

  it('is sound', () => {
    const greeting = fc
      .uint8Array({ maxLength: 255 })
      .map((methods) => Buffer.concat([Buffer.of(5, methods.length), methods]));
    expectSoundParser(parseSocks5Greeting, greeting, 257);
  });
});

describe('parseSocks5Request', () => {
  it.each([
    ['IPv4', hex('05 01 00 01 01020304 0050'), '1.2.3.4', 80],
    ['IPv6, shortened', hex('05 01 00 04 20010db8000000000000000000000001 01bb'), '2001:db8::1', 443],
    ['a mapped address, as IPv6', hex('05 01 00 04 00000000000000000000ffff7f000001 0001'), '::ffff:127.0.0.1', 1],
    ['a name in lower case without its dot', request5('WWW.Example.org.'), 'www.example.org', 80],
    ['a literal sent as a name', request5('[2001:DB8::1]', 65_535), '2001:db8::1', 65_535],
    [
      'the longest name',
      request5(`${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(61)),
      `${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(61),
      80,
    ],
  ])('reads %s', (_title, bytes, host, port) => {
    const value = { command: 'connect', target: { host, port } };
    expect(parseSocks5Request(bytes)).toEqual({ state: 'done', value, length: bytes.length });
  });

  it.each([
    ['A17 BIND', hex('05 02 00 01'), 0x07],
    ['A19 command 00', hex('05 00 00 01'), 0x07],
    ['A19 RESOLVE of Tor', hex('05 F0 00 03'), 0x07],
    ['A19 RESOLVE_PTR of Tor', hex('05 F1 00 01'), 0x07],
    ['A19 command FF', hex('05 FF 00 01'), 0x07],
    ['A21 address type 00', hex('05 01 00 00'), 0x08],
    ['A21 address type 02', hex('05 01 00 02'), 0x08],
    ['A21 address type 05', hex('05 01 00 05'), 0x08],
    ['A22 an empty name', hex('05 01 00 03 00'), 0x01],
    ['A25 NUL in a name', request5('127.0.0.1\0.example.com'), 0x04],
    ['A25 CR LF in a name', request5('a\r\nb'), 0x04],
    ['A25 a space in a name', request5('a b'), 0x04],
    ['A25 a percent escape in a name', request5('a%00b'), 0x04],
    ['A25 a byte beyond ASCII in a name', request5('caf\u00e9.example'), 0x04],
    ['a short form of 127.0.0.1', request5('127.1'), 0x04],
    ['A27 port 0', request5('example.org', 0), 0x01],
    ['A27 port 0 of an IPv4 address', hex('05 01 00 01 01020304 0000'), 0x01],
  ])('refuses %s with its reply', (_title, bytes, reply) => {
    expect(parseSocks5Request(bytes)).toMatchObject({ state: 'invalid', reply: reply5(reply) });
  });

  it.each([
    ['nothing', hex('05 03 00 01 00000000 0000')],
    ['the destination', hex('05 03 00 01 c0000201 0035')],
    ['an address of IPv6', hex('05 03 00 04 20010db8000000000000000000000001 0035')],
    ['a name that is none', hex('05 03 00 03 01 30 d431')],
    ['an empty name', hex('05 03 00 03 00 0000')],
  ])('A18 reads UDP ASSOCIATE with %s for the own end of the application', (_title, bytes) => {
    const value = { command: 'associate' };
    expect(parseSocks5Request(bytes)).toEqual({ state: 'done', value, length: bytes.length });
  });

  it('refuses UDP ASSOCIATE with an unknown address type', () => {
    expect(parseSocks5Request(hex('05 03 00 02'))).toMatchObject({ state: 'invalid', reply: reply5(0x08) });
  });

  it('rejects another version in silence', () => {
    const result = parseSocks5Request(hex('04 01 00 01'));
    expect(result).toEqual({ state: 'invalid', reason: 'SOCKS version changed after the greeting' });
  });

  it('is sound', () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from([1, ...bytes])),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from([4, ...bytes])),
      fc.uint8Array({ maxLength: 255 }).map((bytes) => Buffer.from([3, bytes.length, ...bytes])),
      fc.domain().map((name) => Buffer.from([3, name.length, ...Buffer.from(name)])),
      fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    );
    const command = fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(255) });
    const request = fc
      .tuple(command, address, fc.uint8Array({ minLength: 2, maxLength: 2 }))
      .map(([code, destination, port]) => Buffer.concat([Buffer.of(5, code, 0), destination, port]));
    expectSoundParser(parseSocks5Request, request, 4 + 1 + 255 + 2);
  });

  it('yields only targets that can be dialled', () => {
    const request = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(65_535));
    fc.assert(
      fc.property(request, ([name, port]) => {
        const result = parseSocks5Request(request5(Buffer.from(name).toString('latin1'), port));
        if (result.state !== 'done' || result.value.command !== 'connect') return;
        const { target } = result.value;
        expect(target.host).toBe(parseHost(target.host));
        expect(target.port).toBe(port);
        expect(port).not.toBe(0);
      }),
    );
  });
});

describe('the encoders', () => {
  it('write the method chosen', () => {
    expect(encodeSocks5Method(0xff)).toEqual(hex('05 FF'));
  });

  it('write a reply with an empty IPv4 bound address', () => {
    expect(encodeSocks5Reply(0)).toEqual(hex('05 00 00 01 00000000 0000'));
  });

  it.each([
    ['127.0.0.1', '05 00 00 01 7f000001 1388'],
    ['::1', '05 00 00 04 00000000000000000000000000000001 1388'],
    ['fe80::1%lo', '05 00 00 04 fe800000000000000000000000000001 1388'],
  ])('write a reply with %s as bound address', (address, bytes) => {
    expect(encodeSocks5Reply(0, { address, port: 5000 })).toEqual(hex(bytes));
  });
});
