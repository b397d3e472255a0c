import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import { TableArgument, type TableOption } from '../options/table-option.js';
import type { Setting } from './config-text.js';
import { winsOver } from './conflicts.js';

/** A setting that a file has otherwise than before. */
export interface ChangedSetting {
  /** What the file calls it. */
  readonly name: string;
  /** Of its row in the table. */
  readonly key: string;
  /** As the command line would have parsed it; undefined: the file has it no more. */
  readonly value: unknown;
}

type Settings = ReadonlyMap<string, Setting>;

/** Of the settings that have counted for `program`, and those of now; those that the command line wins over do not count. */
export function changesIn(program: Command, before: Settings, now: Settings): readonly ChangedSetting[] {
  return [...new Set([...before.keys(), ...now.keys()])].flatMap((name) => {
    const [former, setting] = [before.get(name), now.get(name)];
    const option = (setting ?? former)?.option;
    if (option === undefined || isDeepStrictEqual(former?.value, setting?.value)) return [];
    if (isGiven(program, option, former)) return [];
    return [{ name, key: option.key, value: setting?.value }];
  });
}

/** Whether the command line has it. */
function isGiven(program: Command, option: TableOption | TableArgument, former: Setting | undefined): boolean {
  if (!(option instanceof TableArgument)) return winsOver(program, option);
  return program.processedArgs[program.registeredArguments.indexOf(option)] !== former?.value;
}
