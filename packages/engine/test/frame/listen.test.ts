import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { incoming, listen, listening } from 'wsproxy-test-support/engine/frames';
import { ProtocolError } from '../../src/errors.js';
import {
  type Arrival,
  decodeIncoming,
  decodeListen,
  decodeListening,
  encodeIncoming,
  encodeListen,
  encodeListening,
  type ListenRequest,
} from '../../src/frame/listen.js';
import { addressText } from '../../src/ip-bytes.js';

const port = fc.integer({ min: 1, max: 65_535 });
const text = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .filter((one) => new TextEncoder().encode(one).length <= 255);
const request: fc.Arbitrary<ListenRequest> = fc.record({
  kind: fc.constantFrom('tcp', 'udp', 'unix', 'http', 'tls'),
  bind: text,
  port: fc.nat(65_535),
  backlog: fc.nat(65_535),
  name: text,
  takesOver: fc.boolean(),
  anyPort: fc.boolean(),
});
const addresses = (length: 4 | 16): fc.Arbitrary<Pick<Arrival, 'peer' | 'local'>> => {
  const host = fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => addressText(bytes));
  const address = fc.record({ host, port });
  return fc.record({ peer: address, local: address });
};
const arrival: fc.Arbitrary<Arrival> = fc
  .record({ ends: fc.oneof(addresses(4), addresses(16)), name: fc.constantFrom('', 'example.org') })
  .map(({ ends, name }) => ({ ...ends, name }));

const REQUEST: ListenRequest = {
  kind: 'tcp',
  bind: '',
  port: 1,
  backlog: 0,
  name: '',
  takesOver: false,
  anyPort: false,
};
const IPV4 = { host: '192.0.2.7', port: 50_000 };
const IPV6 = { host: '2001:db8::1', port: 443 };

describe('a payload comes back as it was written:', () => {
  test('LISTEN', () => {
    fc.assert(
      fc.property(request, (one) => {
        expect(decodeListen(encodeListen(one) ?? bytesOf([]))).toEqual(one);
      }),
    );
  });

  test('LISTENING', () => {
    fc.assert(
      fc.property(text, fc.nat(65_535), (host, listeningPort) => {
        const address = { host, port: listeningPort };
        expect(decodeListening(encodeListening(address) ?? bytesOf([]))).toEqual(address);
      }),
    );
  });

  test('INCOMING', () => {
    const word = fc.nat(0xffff_ffff);
    fc.assert(
      fc.property(
        fc.record({ window: word, listener: word.map((one) => one || 1), isFlow: fc.boolean(), arrival }),
        (one) => {
          expect(decodeIncoming(encodeIncoming(one))).toEqual(one);
        },
      ),
    );
  });
});

test('no matter what a payload of the right length holds, decoding it ends with a value or a protocol error', () => {
  const decoders: [decode: (payload: Uint8Array) => unknown, least: number][] = [
    [decodeListen, 8],
    [decodeListening, 3],
    [decodeIncoming, 10],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...decoders), fc.uint8Array({ maxLength: 300 }), ([decode, least], rest) => {
      const payload = bytesOf([...rest, ...Array<number>(Math.max(0, least - rest.length)).fill(0)]);
      try {
        decode(payload);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 1_000 },
  );
});

describe('there is no frame for', () => {
  test.each<[what: string, wrong: Partial<ListenRequest>]>([
    ['a bind of more than 255 bytes', { bind: 'ä'.repeat(128) }],
    ['a name of more than 255 bytes', { name: 'n'.repeat(256) }],
    ['half a character', { name: '\ud800' }],
    ['a port beyond 65535', { port: 65_536 }],
    ['half a port', { port: 0.5 }],
    ['a negative backlog', { backlog: -1 }],
  ])('%s', (_what, wrong) => {
    expect(encodeListen({ ...REQUEST, ...wrong })).toBeUndefined();
  });

  test('an address of more than 255 bytes', () => {
    expect(encodeListening({ host: 'a'.repeat(256), port: 0 })).toBeUndefined();
  });
});

describe('LISTEN is not understood', () => {
  test.each([
    ['of kind 0', { kind: 0 }],
    ['of an unknown kind', { kind: 6 }],
    ['with an unknown flag', { flags: 4 }],
    ['with bytes that are no text, as its address', { bind: '\xff' }],
    ['with bytes that are no text, as its name', { name: '\xc3(' }],
  ])('%s', (_what, wrong) => {
    expect(decodeListen(listen(1, wrong).payload)).toBeUndefined();
  });
});

describe('an error is', () => {
  const { payload } = listen(1, { bind: 'abc', name: 'name' });
  const longer = bytesOf([...payload, 0]);
  const shorter = payload.subarray(0, -1);
  const cut = bytesOf([...payload.subarray(0, 6), 5, 97]);
  test.each([
    ['LISTEN with more behind its name', longer],
    ['LISTEN whose name is cut off', shorter],
    ['LISTEN whose address is cut off', cut],
  ])('%s', (_what, wrong) => {
    expect(() => decodeListen(wrong)).toThrow(ProtocolError);
  });

  test.each([
    ['LISTENING with more behind its address', bytesOf([...listening(1).payload, 0])],
    ['LISTENING whose address is cut off', listening(1).payload.subarray(0, -1)],
    ['LISTENING with bytes that are no text', listening(1, '\xff').payload],
  ])('%s', (_what, wrong) => {
    expect(() => decodeListening(wrong)).toThrow(ProtocolError);
  });
});

describe('INCOMING is not understood', () => {
  test.each([
    ['of kind 0', { kind: 0 }],
    ['of an unknown kind', { kind: 3 }],
    ['of an unknown family', { family: 5 }],
    ['whose addresses are cut off', { addresses: [192, 0, 2, 7, 1, 2, 192, 0, 2, 1, 1] }],
    ['from port 0', { addresses: [192, 0, 2, 7, 0, 0, 192, 0, 2, 1, 0, 1] }],
    ['to port 0', { addresses: [192, 0, 2, 7, 0, 1, 192, 0, 2, 1, 0, 0] }],
    ['for a name that is none', { name: 'a b' }],
    ['for a name that is an address in disguise', { name: '127.1' }],
    ['of datagrams from nobody', { kind: 2, family: 0, addresses: [] }],
  ])('%s', (_what, wrong) => {
    expect(decodeIncoming(incoming(2, 1, wrong).payload)).toBeUndefined();
  });
});

test.each<[what: string, ends: Pick<Arrival, 'peer' | 'local'>]>([
  ['of two families', { peer: IPV4, local: IPV6 }],
  ['of which one is missing', { peer: IPV4, local: undefined }],
  ['that are names', { peer: { host: 'example.org', port: 1 }, local: IPV4 }],
])('addresses %s are left out of INCOMING', (_what, ends) => {
  const one = { window: 1, listener: 1, isFlow: false, arrival: { ...ends, name: '' } };
  expect(decodeIncoming(encodeIncoming(one))?.arrival).toEqual({ peer: undefined, local: undefined, name: '' });
});
