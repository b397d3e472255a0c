import type { OptionRule } from './option-rule.js';

/** `; it is called X now` where an option has had that name before; nothing where none has. */
export function calledNow(
  former: string,
  options: Iterable<readonly [name: string, rule: Renamed | undefined]>,
): string {
  for (const [name, rule] of options)
    if (rule?.formerly?.includes(former) === true) return `; it is called ${name} now`;
  return '';
}

type Renamed = Pick<OptionRule, 'formerly'>;
