import type { Option } from 'commander';

const REPEATABLE = new WeakSet<Option>();

/**
 * Lets `option` be given several times, each with one value; `program.opts()` then holds a list. (Commander's variadic
 * options would swallow the arguments that follow.) What is given replaces the default as a whole.
 */
export function repeatable<T>(option: Option, parse: (text: string) => T): Option {
  REPEATABLE.add(option);
  return option.argParser<readonly T[]>((text, previous) => {
    const before = previous === option.defaultValue ? undefined : previous;
    return [...(before ?? []), parse(text)];
  });
}

/** Whether the option was made so by `repeatable`. */
export function isRepeatable(option: Option): boolean {
  return REPEATABLE.has(option);
}
