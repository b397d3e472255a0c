import { InvalidArgumentError } from 'commander';
import type { ServeFlags } from './serve.js';

/** What is asked of a parent beside what a server is asked. */
export interface WorkersFlags extends ServeFlags {
  readonly workers?: number | 'auto';
  readonly retire: number;
  readonly grace: number;
}

/**
 * Reads how many workers there are to be.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseWorkers(text: string): number | 'auto' {
  if (text === 'auto') return text;
  if (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= MOST) return Number(text);
  throw new InvalidArgumentError(`expected a number from 1 to ${MOST}, or auto`);
}

const MOST = 128;
