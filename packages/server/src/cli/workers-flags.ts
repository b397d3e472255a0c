import { type Command, InvalidArgumentError } from 'commander';
import { OptionError } from 'wsproxy-node/options';
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

/** @throws OptionError for what one process has no use for */
export function checkWorkers(program: Command, { workers }: Partial<WorkersFlags>): void {
  if (workers !== undefined || program.getOptionValueSource('retire') === 'default') return;
  throw new OptionError('retire', 'it takes --workers N: it says how long workers that were exchanged may go on');
}

const MOST = 128;
