import { deepEqual, ok } from 'node:assert/strict';
import { parseHost } from '../../../packages/engine/src/target.js';
import type { ParseResult } from '../../../packages/node/src/accept/socks/parse-result.js';
import { parseSocks4Request } from '../../../packages/node/src/accept/socks/socks4-codec.js';
import {
  parseSocks5Greeting,
  parseSocks5Password,
  parseSocks5Request,
} from '../../../packages/node/src/accept/socks/socks5-codec.js';
import type { Target } from '../target.js';

/** A parser decides within so many bytes, no matter what they are. */
const BOUND = 600;
const TAIL = Buffer.from('\0what follows');
const PARSERS: readonly ((bytes: Buffer) => ParseResult<unknown>)[] = [
  parseSocks5Greeting,
  parseSocks5Password,
  parseSocks5Request,
  parseSocks4Request,
];

/** SOCKS4, SOCKS4a and SOCKS5 handshakes. */
export const socks: Target = {
  name: 'socks',
  run(input) {
    for (const parse of PARSERS) {
      const result = parse(input);
      deepEqual(parseByteByByte(parse, input), result, 'slicing does not matter');
      if (result.state === 'more') {
        ok(input.length < BOUND, 'a parser does not wait for ever');
        continue;
      }
      deepEqual(parse(Buffer.concat([input, TAIL])), result, 'what follows does not matter');
      if (result.state === 'done') {
        ok(result.length <= input.length, 'no more bytes are used than came');
        expectSafe(result.value);
      }
    }
  },
};

/** A host that is accepted is in canonical spelling, and its port can be dialled. */
function expectSafe(value: unknown): void {
  if (typeof value !== 'object' || value === null || !('host' in value && 'port' in value)) return;
  deepEqual(parseHost(String(value.host)), value.host, 'the host is canonical');
  ok(Number(value.port) > 0 && Number(value.port) < 65_536, 'the port can be dialled');
}

function parseByteByByte(parse: (bytes: Buffer) => ParseResult<unknown>, bytes: Buffer): ParseResult<unknown> {
  for (let length = 0; length < bytes.length; length++) {
    const result = parse(bytes.subarray(0, length));
    if (result.state !== 'more') return result;
  }
  return parse(bytes);
}
