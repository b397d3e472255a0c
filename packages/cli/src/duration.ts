import { InvalidArgumentError } from 'commander';

const UNITS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/**
 * Milliseconds of `500ms`, `30s`, `2m` or `1h`. A unit is required, so that nobody has to guess it.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseDuration(text: string): number {
  const match = /^(\d{1,10})(ms|s|m|h)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected a number and a unit, such as 500ms, 30s, 2m or 1h.');
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}

/** The shortest text that `parseDuration` reads as exactly `duration` milliseconds. */
export function formatDuration(duration: number): string {
  for (const [unit, size] of Object.entries(UNITS)) {
    if (duration !== 0 && duration % size === 0) return `${duration / size}${unit}`;
  }
  return `${duration}ms`;
}
