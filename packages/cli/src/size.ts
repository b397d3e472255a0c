import { InvalidArgumentError } from 'commander';

const UNITS = { T: 2 ** 40, G: 2 ** 30, M: 2 ** 20, k: 2 ** 10 } as const;

/**
 * Bytes of `65536`, `64k`, `10M`, `1G` or `2T`, with the powers of 1024 that curl has for `--limit-rate`.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseSize(text: string): number {
  const match = /^(\d{1,15})([kKMGT]?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected bytes, such as 65536, 64k, 10M or 1G.');
  const [, digits = '', unit = ''] = match;
  const size = Number(digits) * (UNITS[unit.replace('K', 'k') as keyof typeof UNITS] ?? 1);
  if (!Number.isSafeInteger(size)) throw new InvalidArgumentError('Expected at most 8191T.');
  return size;
}

/** The shortest text that `parseSize` reads as exactly `size` bytes. */
export function formatSize(size: number): string {
  for (const [unit, bytes] of Object.entries(UNITS)) {
    if (size !== 0 && size % bytes === 0) return `${size / bytes}${unit}`;
  }
  return String(size);
}
