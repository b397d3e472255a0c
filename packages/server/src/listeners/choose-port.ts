import type { PortRange } from 'wsproxy-node/targets';

/**
 * Ports to try one after the other, from those that are allowed: at first those that nobody has a service at, beginning at one
 * that nobody can foretell.
 */
export function* portsToTry(allowed: readonly PortRange[], random: () => number = Math.random): Generator<number> {
  yield* someOf(allowed.flatMap(dynamicPart), random);
  yield* someOf(allowed, random);
}

function* someOf(ranges: readonly PortRange[], random: () => number): Generator<number> {
  const count = ranges.reduce((sum, range) => sum + sizeOf(range), 0);
  const start = Math.floor(random() * count);
  for (let i = 0; i < Math.min(count, MOST_TRIES); i += 1) yield nth(ranges, (start + i) % count);
}

function nth(ranges: readonly PortRange[], index: number): number {
  let rest = index;
  for (const range of ranges) {
    if (rest < sizeOf(range)) return range[0] + rest;
    rest -= sizeOf(range);
  }
  throw new RangeError('there are not so many ports');
}

function sizeOf([first, last]: PortRange): number {
  return last - first + 1;
}

function dynamicPart([first, last]: PortRange): PortRange[] {
  return last < FIRST_DYNAMIC ? [] : [[Math.max(first, FIRST_DYNAMIC), last]];
}

/** RFC 6335 section 6: no service has one of these for itself. */
const FIRST_DYNAMIC = 49_152;
/** Where so many in a row are taken, so are the rest, as far as somebody who waits is concerned. */
const MOST_TRIES = 128;
