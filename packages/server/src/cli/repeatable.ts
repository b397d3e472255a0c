import { Option } from 'commander';

/** A flag that takes one value each time it is given. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((text: string, previous: readonly string[]) => [...previous, text])
    .default([], 'none');
}
