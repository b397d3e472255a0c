import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closePacket, continuePacket, dataPacket, infoPacket, readPacket } from '../../src/wisp/packets.js';

/** As the specification draws them: a byte, an integer of four bytes that begins with the lowest, the payload. */
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

describe('a packet of a client', () => {
  test.each<[what: string, hex: string, packet: object]>([
    [
      'CONNECT to a TCP port of a name',
      '01 2a000000 01 bb01 6578616d706c652e6f7267',
      { type: 1, stream: 42, connect: { kind: 'tcp', port: 443, host: 'example.org' } },
    ],
    [
      'CONNECT to a UDP port of an address, with the highest number',
      '01 ffffffff 02 3500 392e392e392e39',
      { type: 1, stream: 0xffff_ffff, connect: { kind: 'udp', port: 53, host: '9.9.9.9' } },
    ],
    ['CONNECT with spaces around the name', '01 01000000 01 5000 20612e6220', { connect: { host: 'a.b', port: 80 } }],
    ['DATA', '02 04030201 00ff', { type: 2, stream: 0x01020304, data: bytes('00ff') }],
    ['DATA of nothing', '02 01000000', { type: 2, stream: 1, data: Buffer.alloc(0) }],
    ['CONTINUE', '03 01000000 80000000', { type: 3, stream: 1 }],
    ['CLOSE', '04 01000000 02', { type: 4, stream: 1, reason: 2 }],
    ['CLOSE without a reason', '04 01000000', { type: 4, stream: 1, reason: 1 }],
    ['INFO', '05 00000000 0200', { type: 5, stream: 0, payload: bytes('0200') }],
  ])('is read: %s', (_, hex, packet) => {
    expect(readPacket(bytes(hex))).toMatchObject(packet);
  });

  test.each([
    ['without a port', '01 01000000 01 50'],
    ['without a host', '01 01000000 01 5000'],
    ['to port 0', '01 01000000 01 0000 61'],
    ['of an unknown kind', '01 01000000 03 5000 61'],
    ['to a host of 600 letters', `01 01000000 01 5000 ${'61'.repeat(600)}`],
  ])('asks for nothing that there can be: CONNECT %s', (_, hex) => {
    expect(readPacket(bytes(hex))).toEqual({ type: 1, stream: 1, connect: undefined });
  });

  test.each([
    ['nothing', ''],
    ['less than a head', '02 010000'],
    ['type 0', '00 01000000'],
    ['type 6', '06 01000000 00'],
    ['type 255', 'ff 01000000 00'],
  ])('is none: %s', (_, hex) => {
    expect(readPacket(bytes(hex))).toBeUndefined();
  });

  test('is read of arbitrary bytes without an error, and its data are those behind the head', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (message) => {
        const packet = readPacket(Buffer.from(message));
        if (packet?.type !== 2) return;
        expect(Buffer.from(packet.data)).toEqual(Buffer.from(message.subarray(5)));
      }),
    );
  });
});

describe('a packet of the server', () => {
  test.each<[what: string, packet: Buffer, hex: string]>([
    ['DATA', dataPacket(0x01020304, bytes('aabb')), '02 04030201 aabb'],
    ['CONTINUE', continuePacket(7, 128), '03 07000000 80000000'],
    ['CONTINUE of the connection', continuePacket(0, 0x0102), '03 00000000 02010000'],
    ['CLOSE', closePacket(0xffff_ffff, 0x48), '04 ffffffff 48'],
    ['INFO', infoPacket(bytes('0200')), '05 00000000 0200'],
  ])('is written as specified: %s', (_, packet, hex) => {
    expect(packet).toEqual(bytes(hex));
  });

  test('brings the data that it was given', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 300 }), (stream, data) => {
        expect(readPacket(dataPacket(stream, data))).toEqual({ type: 2, stream, data: Buffer.from(data) });
      }),
    );
  });
});
