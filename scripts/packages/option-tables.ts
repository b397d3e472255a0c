import { Help } from 'commander';
import { COMMON_OPTIONS } from '../../packages/cli/dist/index.js';
import { isArgument, TableArgument, TableOption } from '../../packages/cli/dist/options/table-option.js';
import { OPTIONS as CLIENT_OPTIONS } from '../../packages/client/dist/options/options.js';
import type { OptionTable } from '../../packages/node/dist/options/index.js';
import { OPTIONS as SERVER_OPTIONS } from '../../packages/server/dist/options/options.js';

/** Of commander: with the values that an option may have, and the one that it has by itself. */
const help = new Help();

/** The options of each program, in the words of its help. */
export const CLIENT: readonly Row[] = rowsOf(CLIENT_OPTIONS);
export const SERVER: readonly Row[] = rowsOf(SERVER_OPTIONS);

/** One option. */
export interface Row {
  readonly flags: string;
  readonly text: string;
  /** Of the help. */
  readonly group: string | undefined;
}

function rowsOf(table: OptionTable): Row[] {
  return Object.entries({ ...table, ...COMMON_OPTIONS }).flatMap(([key, rule]) => {
    if (rule.flags === undefined) return [];
    const text = isArgument(rule)
      ? help.argumentDescription(new TableArgument(key, rule))
      : help.optionDescription(new TableOption(key, rule));
    return [{ flags: rule.flags, text: `${text}.`, group: rule.group }];
  });
}
