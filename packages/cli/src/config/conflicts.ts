import type { Command } from 'commander';
import { TableOption } from '../options/table-option.js';
import type { LineMistake } from '../yaml/index.js';
import type { Setting } from './config-text.js';

/** A mistake for each setting of a file that cannot stand beside one before it. */
export function conflictsIn(settings: ReadonlyMap<string, Setting>): readonly LineMistake[] {
  const given = [...settings].filter(([, { value }]) => value !== false);
  return given.flatMap(([name, { option, line }], i) => {
    const [other] = given.slice(0, i).find(([, before]) => excludeEachOther(option, before.option)) ?? [];
    return other === undefined ? [] : [{ line, message: `${name}: cannot stand beside ${other}` }];
  });
}

/** Whether the command line has `option`, or what cannot stand beside it: that of a file then gives way. */
export function winsOver(program: Command, option: TableOption): boolean {
  return program.options.some(
    (flag) =>
      program.getOptionValueSource(flag.attributeName()) === 'cli' &&
      (flag.attributeName() === option.attributeName() || excludeEachOther(flag, option)),
  );
}

function excludeEachOther(a: unknown, b: unknown): boolean {
  if (!(a instanceof TableOption && b instanceof TableOption)) return false;
  const names = (one: TableOption, other: TableOption): boolean =>
    one.rule.conflicts?.includes(other.attributeName()) === true;
  return names(a, b) || names(b, a);
}
