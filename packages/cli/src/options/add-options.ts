import type { Command } from 'commander';
import type { OptionTable } from 'wsproxy-node/options';
import { isArgument, type Parsers, TableArgument, TableOption } from './table-option.js';

/** Gives `program` a flag or an argument for every row of the table that has one, in its order. */
export function addOptions(program: Command, table: OptionTable, parsers: Parsers = {}): Command {
  for (const [key, rule] of Object.entries(table)) {
    if (rule.flags === undefined) continue;
    if (isArgument(rule)) program.addArgument(new TableArgument(key, rule));
    else program.addOption(new TableOption(key, rule, parsers));
  }
  return program;
}
