import { isIPv4 as isNodeIPv4, isIPv6 as isNodeIPv6 } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isIPv4, isIPv6 } from '../../../engine/src/ip-address.js';

const from = (characters: string) => fc.string({ unit: fc.constantFrom(...characters.split('')), maxLength: 45 });
/** Addresses, what looks like some, and addresses in which one thing is not right. */
const addresses = fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.ipV6());
const broken = fc
  .tuple(addresses, fc.nat(), fc.constantFrom('', ':', '::', '.', '0', '1', '255', 'f', 'g', '%1', '\n', '１'))
  .map(([text, at, extra]) => text.slice(0, at % (text.length + 1)) + extra + text.slice((at % (text.length + 1)) + 1));
const texts = fc.oneof(addresses, broken, from('0125:.f'), from(':1'), fc.string());

// A zone (RFC 4007) is of use to nobody but this machine; the engine has none.
test('the engine takes for an address what node:net does, but for zones', () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect([isIPv4(text), isIPv6(text)], text).toEqual([isNodeIPv4(text), isNodeIPv6(text) && !text.includes('%')]);
    }),
    { numRuns: 20_000 },
  );
});
