import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { Target } from './target.js';
import { capsules } from './targets/capsules.js';
import { clientHello } from './targets/client-hello.js';
import { config, rules, users } from './targets/files.js';
import { frames } from './targets/frames.js';
import { httpRequest } from './targets/http-request.js';
import { httpTarget } from './targets/http-target.js';
import { firstBytes, hpack, http1, http2 } from './targets/inspected.js';
import { listeners } from './targets/listeners.js';
import { socks } from './targets/socks.js';
import { socksDatagram } from './targets/socks-datagram.js';

export const targets: readonly Target[] = [
  socks,
  socksDatagram,
  capsules,
  httpRequest,
  httpTarget,
  frames,
  listeners,
  clientHello,
  firstBytes,
  http1,
  http2,
  hpack,
  config,
  users,
  rules,
];

const MAX_CHANGES = 6;
const MAX_STRETCH = 40;
/** Where parsers decide: the ends of ranges, and letters that mean something to one of them. */
const TELLING = [0, 1, 4, 5, 0x0a, 0x0d, 0x20, 0x25, 0x2e, 0x3a, 0x40, 0x5b, 0x5d, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

/** Inputs that are kept: examples of what is right and wrong, and what has once broken a parser. */
export function corpusOf({ name }: Target): ReadonlyMap<string, Buffer> {
  const folder = corpusFolder(name);
  return new Map(readdirSync(folder).map((file) => [file, readFileSync(`${folder}/${file}`)]));
}

export function corpusFolder(name: string): string {
  return fileURLToPath(new URL(`corpus/${name}`, import.meta.url));
}

/** One change to an input, at a place that is taken modulo its length. */
type Change = (bytes: Buffer) => Buffer;

function changes(corpus: readonly Buffer[]): fc.Arbitrary<Change> {
  const place = fc.nat(100_000);
  const stretch = fc.nat(MAX_STRETCH);
  const byte = fc.oneof(fc.constantFrom(...TELLING), fc.nat(255));
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: MAX_STRETCH }).map((bytes) => Buffer.from(bytes)),
    byte.chain((value) => stretch.map((length) => Buffer.alloc(length, value))),
    fc.tuple(fc.constantFrom(...corpus), place, stretch).map(([bytes, at, length]) => {
      const from = at % (bytes.length + 1);
      return bytes.subarray(from, from + length);
    }),
  );
  const splice = (bytes: Buffer, at: number, removed: number, added: Buffer): Buffer => {
    const from = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, from), added, bytes.subarray(from + removed)]);
  };
  return fc.oneof(
    fc.tuple(place, byte).map(
      ([at, value]): Change =>
        (bytes) =>
          splice(bytes, at, 1, Buffer.of(value)),
    ),
    fc.tuple(place, piece).map(
      ([at, added]): Change =>
        (bytes) =>
          splice(bytes, at, 0, added),
    ),
    fc.tuple(place, piece).map(
      ([at, added]): Change =>
        (bytes) =>
          splice(bytes, at, added.length, added),
    ),
    fc.tuple(place, stretch).map(
      ([at, removed]): Change =>
        (bytes) =>
          splice(bytes, at, removed, Buffer.alloc(0)),
    ),
    place.map(
      (at): Change =>
        (bytes) =>
          bytes.subarray(0, at % (bytes.length + 1)),
    ),
  );
}

/** Inputs of the corpus, changed in some places, and now and then one that owes nothing to it. */
function inputs(target: Target): fc.Arbitrary<Buffer> {
  const corpus = [...corpusOf(target).values()];
  const changed = fc
    .tuple(fc.constantFrom(...corpus), fc.array(changes(corpus), { minLength: 1, maxLength: MAX_CHANGES }))
    .map(([bytes, all]) => all.reduce((result, change) => change(result), bytes));
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 9, arbitrary: changed }, { weight: 1, arbitrary: noise });
}

export interface FuzzOptions {
  readonly runs: number;
  /** Ends earlier after this time, ms. */
  readonly time?: number;
  readonly seed?: number;
}

export interface Findings {
  readonly runs: number;
  readonly seed: number;
  /** The smallest input for which something does not hold, and what. */
  readonly found: { readonly input: Buffer; readonly error: string } | undefined;
}

export function fuzz(target: Target, { runs, time, seed }: FuzzOptions): Findings {
  const details = fc.check(
    fc.property(inputs(target), (input) => target.run(input)),
    {
      numRuns: runs,
      ...(seed !== undefined && { seed }),
      ...(time !== undefined && { interruptAfterTimeLimit: time, markInterruptAsFailure: false }),
    },
  );
  const [input] = details.counterexample ?? [];
  const { errorInstance } = details as { errorInstance?: unknown };
  return {
    runs: details.numRuns,
    seed: details.seed,
    found: details.failed && input !== undefined ? { input, error: String(errorInstance) } : undefined,
  };
}
