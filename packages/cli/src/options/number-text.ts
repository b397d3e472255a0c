import { InvalidArgumentError } from 'commander';
import { type NumberRule, problemOfNumber } from 'wsproxy-node/options';
import { formatDuration, parseDuration } from '../duration.js';
import { formatSize, parseSize } from '../size.js';

const HOUR = 3_600_000;

const UNITS = {
  count: { parse: parseCount, format: String },
  ms: { parse: parseDuration, format: formatDuration },
  bytes: { parse: parseSize, format: formatSize },
  rate: { parse: parseSize, format: formatSize },
} as const;

/**
 * The number that a text says in the unit of `rule`.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseNumber(rule: NumberRule, text: string): number {
  const value = text === rule.zero ? 0 : UNITS[rule.unit].parse(text);
  if (problemOfNumber(rule, value) === undefined) return value;
  throw new InvalidArgumentError(`Expected ${rangeOf(rule)}.`);
}

/** `off`, `90s`, `48M`: what `parseNumber` reads. */
export function formatNumber({ unit, zero }: NumberRule, value: number): string {
  return value === 0 && zero !== undefined ? zero : UNITS[unit].format(value);
}

/** `100ms to 24h, or "off"`. */
export function rangeOf({ unit, min, max, zero }: NumberRule): string {
  const { format } = UNITS[unit];
  // The longest time there is has no short text; whole hours below it have.
  const end = unit === 'ms' && max > HOUR ? max - (max % HOUR) : max;
  return `${format(min)} to ${format(end)}${zero === undefined ? '' : `, or "${zero}"`}`;
}

function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number.');
}
