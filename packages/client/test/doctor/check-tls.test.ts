import { expect, test } from 'vitest';
import { endsSoon } from '../../src/doctor/check-tls.js';

test.each([
  ['a year', 365 * 24, 13 * 24, true],
  ['a year', 365 * 24, 15 * 24, false],
  ['90 days', 90 * 24, 15 * 24, false],
  ['six days', 6 * 24, 2 * 24, false],
  ['six days', 6 * 24, 24, true],
  ['twelve hours', 12, 4, false],
  ['twelve hours', 12, 2, true],
  ['twelve hours', 12, -1, true],
])('a certificate of %s (%i h) with %i h left ends soon: %s', (_life, hours, left, soon) => {
  const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour));
  expect(endsSoon(at(0), at(hours), at(hours - left).getTime())).toBe(soon);
});
