import type { Command } from 'commander';
import { OptionError } from 'wsproxy-node/options';
import { ExitCode, ExitError } from '../exit-code.js';
import { namesFile, TableArgument, TableOption } from './table-option.js';

/** What the command line and the configuration file say, as the library takes it: `{ grace, egress: { upstream } }`. */
export function libraryOptions(program: Command): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const option of program.options) {
    if (!(option instanceof TableOption) || !isOfLibrary(option)) continue;
    const value: unknown = program.getOptionValue(option.attributeName());
    if (value !== undefined) set(options, option.key.split('.'), value);
  }
  return options;
}

/**
 * What `make` gives. An option that the library does not take is wrong usage, told by the name of its flag.
 * @throws ExitError (usage)
 */
export function asUsage<T>(program: Command, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw usageOf(program, error);
  }
}

/** The ExitError for an OptionError; every other error as it is. */
export function usageOf(program: Command, error: unknown): unknown {
  if (!(error instanceof OptionError)) return error;
  return new ExitError(ExitCode.usage, `${labelOf(program, error.option)}: ${error.problem}`, { cause: error });
}

/** How the command line names an option of the library. */
function labelOf(program: Command, key: string): string {
  const commands = program.parent === null ? [program] : [program, program.parent];
  const all = commands.flatMap(({ options, registeredArguments }) => [...options, ...registeredArguments]);
  const found = all.find((each) => (each instanceof TableOption || each instanceof TableArgument) && each.key === key);
  return (found as TableOption | TableArgument | undefined)?.label ?? key;
}

/** What stands in a file, and what the library has in another form, the program brings itself. */
function isOfLibrary({ rule }: TableOption): boolean {
  return rule.library === undefined && rule.list !== 'flag' && !namesFile(rule);
}

function set(options: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    options[name] = value;
    return;
  }
  const group = (options[name] ?? {}) as Record<string, unknown>;
  options[name] = group;
  set(group, rest, value);
}
