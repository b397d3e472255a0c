import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, filled } from 'wsproxy-test-support/engine/bytes';
import { u64 } from 'wsproxy-test-support/engine/oracle-codec';
import { join, zeros } from '../../src/bytes.js';
import { ProtocolError } from '../../src/errors.js';
import {
  decodeHello,
  decodeOpen,
  decodeResume,
  encodeCount,
  encodeCounts,
  encodeHello,
  encodeOpen,
  encodeResume,
  readCount,
  routeInHello,
  routeInResume,
} from '../../src/frame/payload.js';

const word = fc.nat(0xffff_ffff);
const count = fc.maxSafeNat();
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => bytesOf(array));
const key = { version: fc.nat(255), id: bytes(16), secret: bytes(32) };

describe('a payload comes back as it was written:', () => {
  test('OPEN', () => {
    const host = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 255 });
    const target = fc.record({ host, port: fc.nat(65_535) });
    fc.assert(
      fc.property(fc.record({ window: word, target }), (open) => {
        expect(decodeOpen(encodeOpen(open))).toEqual(open);
      }),
    );
  });

  test('HELLO, with or without fields of a later version behind it', () => {
    fc.assert(
      fc.property(
        fc.record({ ...key, grace: word, heartbeat: fc.integer({ min: 1, max: 2 ** 32 - 1 }), capabilities: word }),
        bytes(20),
        (hello, later) => {
          const { heartbeat, capabilities, ...usual } = hello;
          for (const one of [usual, { ...usual, heartbeat }, { ...usual, capabilities }, hello]) {
            expect(decodeHello(encodeHello(one))).toEqual(one);
          }
          expect(decodeHello(join([encodeHello(hello), later]))).toEqual(hello);
        },
      ),
    );
  });

  test('RESUME, with or without fields of a later version behind it', () => {
    fc.assert(
      fc.property(
        fc.record({ ...key, attempt: word, received: count }),
        fc.record({ grace: word, capabilities: word }),
        bytes(20),
        (resume, agreed, later) => {
          expect(decodeResume(encodeResume(resume))).toEqual(resume);
          const answer = { ...resume, agreed };
          expect(decodeResume(encodeResume(answer))).toEqual(answer);
          expect(decodeResume(join([encodeResume(answer), later]))).toEqual(answer);
        },
      ),
    );
  });

  test('the route in an answer to HELLO or RESUME, with or without fields of a later version behind it', () => {
    const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(
        fc.record({ ...key, grace: word, capabilities: word }),
        fc.record({ ...key, attempt: word, received: count }),
        fc.string({ unit: visible, minLength: 1, maxLength: 64 }),
        bytes(20),
        (hello, resume, route, later) => {
          const { grace, capabilities } = hello;
          const agreed = { grace, capabilities };
          const answers = [encodeHello({ ...hello, route }), encodeResume({ ...resume, agreed: { ...agreed, route } })];
          const [welcome = zeros(0), resumed = zeros(0)] = answers;
          for (const more of [zeros(0), later]) {
            const [first, second] = [join([welcome, more]), join([resumed, more])];
            expect([routeInHello(first), decodeHello(first)]).toEqual([route, hello]);
            expect([routeInResume(second), decodeResume(second)]).toEqual([route, { ...resume, agreed }]);
          }
        },
      ),
    );
  });

  test('two counts', () => {
    fc.assert(
      fc.property(count, count, (first, second) => {
        const payload = encodeCounts(first, second);
        expect([readCount(payload), readCount(payload, 8)]).toEqual([first, second]);
      }),
    );
  });

  test('a count up to 2^53 - 1', () => {
    fc.assert(
      fc.property(count, (value) => {
        expect(encodeCount(value)).toEqual(u64(value));
        expect(readCount(encodeCount(value))).toBe(value);
      }),
    );
  });
});

test('a count above 2^53 - 1 breaks the protocol', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), (value) => {
      expect(() => readCount(u64(value))).toThrow(ProtocolError);
    }),
  );
});

describe('the route in an answer', () => {
  const hello = { version: 1, id: filled(16, 1), secret: filled(32, 2), grace: 0, capabilities: 0 };
  const resume = { ...hello, attempt: 1, received: 0, agreed: { grace: 0, capabilities: 0 } };
  const readers = [
    (tail: Uint8Array) => routeInHello(join([encodeHello(hello), tail])),
    (tail: Uint8Array) => routeInResume(join([encodeResume(resume), tail])),
  ];
  const withLength = (length: number, text: string) => join([bytesOf([length]), bytesOf(text)]);

  test('may be missing, or empty', () => {
    for (const read of readers)
      expect([read(zeros(0)), read(zeros(1)), read(zeros(9))]).toEqual(Array(3).fill(undefined));
  });

  test('is missing in an answer without capabilities, of which nothing more is told', () => {
    const { capabilities: _, ...short } = hello;
    const { agreed: _agreed, ...shortResume } = resume;
    expect(encodeHello({ ...short, route: 'a.b' })).toEqual(encodeHello(short));
    expect(routeInHello(encodeHello({ ...short, heartbeat: 9 }))).toBeUndefined();
    expect(routeInResume(encodeResume(shortResume))).toBeUndefined();
  });

  test.each([
    ['is cut short', withLength(4, 'abc')],
    ['is a length alone', bytesOf([1])],
    ['is longer than 64 bytes', withLength(65, 'a'.repeat(65))],
    ['has a space', withLength(3, 'a b')],
    ['has a line break', withLength(3, 'a\r\n')],
    ['has a byte beyond ASCII', join([bytesOf([2]), bytesOf([0x61, 0x80])])],
  ])('breaks the protocol when it %s', (_what, tail) => {
    for (const read of readers) expect(() => read(tail)).toThrow(ProtocolError);
  });
});

test('id and secret are copies, since the payload may be a view of a network read', () => {
  const payload = encodeHello({ version: 1, id: filled(16, 1), secret: filled(32, 2), grace: 0 });
  const { id, secret } = decodeHello(payload);
  payload.fill(0);
  expect(id).toEqual(filled(16, 1));
  expect(secret).toEqual(filled(32, 2));
});
