import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { EventLog } from 'wsproxy-test-support/inspect/event-log';
import { type FirstBytes, Guess } from '../../../packages/client/src/inspect/first-bytes.js';
import { HpackDecoder, MAX_HEADERS } from '../../../packages/client/src/inspect/http/hpack.js';
import { Http1Reader } from '../../../packages/client/src/inspect/http/http1-reader.js';
import { Http2Reader } from '../../../packages/client/src/inspect/http/http2-reader.js';
import type { Reader } from '../../../packages/client/src/inspect/http/reader.js';
import type { Teller } from '../../../packages/client/src/inspect/http/tell.js';
import type { Target } from '../target.js';

/** What an application says first on a connection that is looked into. */
export const firstBytes: Target = {
  name: 'first-bytes',
  run(input) {
    const [whole, sliced] = [guess(input, input.length), guess(input, 1)];
    deepEqual(sliced, whole, 'packets make no difference');
    if (whole?.kind === 'other') match(whole.reason, PLAIN, 'a reason holds no byte of the connection');
  },
};

/** HTTP/1.x both ways, in turn: what is looked into is read as it passes. */
export const http1: Target = {
  name: 'http1',
  run: (input) => readBothWays(input, (teller) => new Http1Reader(teller)),
};

/** The same of HTTP/2. */
export const http2: Target = {
  name: 'http2',
  run: (input) => readBothWays(input, (teller) => new Http2Reader(teller)),
};

/** Blocks of headers of one direction of HTTP/2. */
export const hpack: Target = {
  name: 'hpack',
  run(input) {
    const decoder = new HpackDecoder();
    try {
      for (const block of apart(input)) {
        const headers = decoder.decode(block);
        equal(headers.length % 2, 0, 'each name has a value');
        ok(headers.join('').length <= MAX_HEADERS, 'headers are bounded');
      }
    } catch (error) {
      match((error as Error).message, PLAIN, 'a problem holds no byte of the headers');
      if (!/header|Huffman/.test((error as Error).message)) throw error;
    }
  },
};

/** Stands between what goes up and what comes down, or between blocks. */
const TURN = Buffer.from('\xff\0\xff', 'latin1');
const PLAIN = /^[\x20-\x7e]*$/;

function apart(input: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let rest = input;
  for (let at = rest.indexOf(TURN); at !== -1; at = rest.indexOf(TURN)) {
    parts.push(rest.subarray(0, at));
    rest = rest.subarray(at + TURN.length);
  }
  return [...parts, rest];
}

function guess(input: Buffer, size: number): FirstBytes | undefined {
  const all = new Guess();
  for (let at = 0; at < input.length; at += size) {
    const first = all.add(input.subarray(at, at + size));
    if (first !== undefined) return first;
  }
  return undefined;
}

function readBothWays(input: Buffer, create: (teller: Teller) => Reader): void {
  const whole = read(input, input.length, create);
  for (const size of [1, 7]) deepEqual(read(input, size, create), whole, 'slices do not matter');
  match(whole.problem, PLAIN, 'a problem holds no byte of the connection');
  for (const lines of whole.lines) {
    const ends = lines.filter((line) => line.startsWith('over'));
    deepEqual(ends, lines.slice(-1), 'each exchange ends once, and last');
  }
}

function read(
  input: Buffer,
  size: number,
  create: (teller: Teller) => Reader,
): { readonly lines: readonly string[][]; readonly problem: string } {
  const log = new EventLog();
  const reader = create(log.teller);
  let problem = '';
  try {
    apart(input).forEach((part, index) => {
      for (let at = 0; at < part.length; at += size)
        reader.read(index % 2 === 0 ? 'up' : 'down', part.subarray(at, at + size));
    });
    reader.end('up');
    reader.end('down');
  } catch (error) {
    // Any other would be a mistake of this program.
    if ((error as Error).constructor !== Error && (error as Error).name !== 'MessageError') throw error;
    problem = (error as Error).message;
  }
  reader.close(problem === '' ? undefined : problem);
  return { lines: log.lines, problem };
}
