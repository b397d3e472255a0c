import { InvalidArgumentError } from 'commander';

/**
 * Reads what a server is called in its log.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseServerName(text: string): string {
  if (/^[\w.-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('expected 1 to 64 letters, digits or any of . _ -');
}
