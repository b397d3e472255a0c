import { describe, expect, test } from 'vitest';
import { type Measured, measurePath, type Path } from './paths/measure-path.js';

const SEEDS = [1, 2, 3];

/** What of plain TCP's rate the tunnel has at least, and by how much more than plain TCP's its echo takes at most, ms. */
interface Bounds {
  readonly down: number;
  readonly up?: number;
  readonly echo: number;
}

const PATHS: [string, Path, Bounds][] = [
  ['a smooth path', { roundTrip: 50, mbit: 20 }, { down: 0.93, echo: -20 }],
  ['a deep queue', { roundTrip: 50, mbit: 20, queue: 1_000 }, { down: 0.93, echo: -400 }],
  ['jitter of 10 ms', { roundTrip: 20, mbit: 50, jitter: 10 }, { down: 0.7, echo: 15 }],
  ['jitter of 20 ms', { roundTrip: 40, mbit: 30, jitter: 20 }, { down: 0.65, echo: 25 }],
  ['jitter of 60 ms', { roundTrip: 40, mbit: 30, jitter: 60 }, { down: 0.6, echo: 90 }],
  ['both ways busy', { roundTrip: 50, mbit: 20, isBusyUp: true, jitter: 0.5 }, { down: 0.7, up: 0.65, echo: 50 }],
  [
    'thin up, both busy',
    { roundTrip: 40, mbit: 50, up: 5, queue: 100, isBusyUp: true },
    { down: 0.8, up: 0.5, echo: 15 },
  ],
  [
    'somebody else',
    { roundTrip: 40, mbit: 20, queue: 150, hasForeign: true, ramp: 8_000, end: 40_000 },
    { down: 0.3, echo: 150 },
  ],
  // Much is acknowledged at once, and the source gives the next in pieces.
  ['a long and fast path', { roundTrip: 100, mbit: 100, end: 12_000 }, { down: 0.93, echo: 0 }],
  ['loss of 0.1 %', { roundTrip: 50, mbit: 50, loss: 0.001 }, { down: 0.8, echo: 100 }],
];

function mean(way: 'plain' | 'tunnel', path: Path): Measured {
  const isRandom = path.jitter !== undefined || path.loss !== undefined;
  const all = (isRandom ? SEEDS : [1]).map((seed) => measurePath(path, way, seed));
  const of = (key: keyof Measured): number => all.reduce((sum, one) => sum + one[key], 0) / all.length;
  return { down: of('down'), up: of('up'), echo: of('echo') };
}

describe('the cap beside plain TCP, in a model of packets', () => {
  test.each(PATHS)(
    'on %s',
    (_name, path, bounds) => {
      const [plain, tunnel] = [mean('plain', path), mean('tunnel', path)];
      expect(tunnel.down / plain.down).toBeGreaterThan(bounds.down);
      if (bounds.up !== undefined) expect(tunnel.up / plain.up).toBeGreaterThan(bounds.up);
      expect(tunnel.echo - plain.echo).toBeLessThan(bounds.echo);
    },
    60_000,
  );
});
