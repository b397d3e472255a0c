import type { Command } from 'commander';
import { ExitCode, ExitError } from '../exit-code.js';
import { TableOption } from '../options/table-option.js';

/**
 * Whether flags of `program` can stand in a configuration file that `init` writes. `unwanted` are those that it brings itself.
 * @throws ExitError (usage) for the first that cannot
 */
export async function checkGiven(
  program: Command,
  given: Iterable<string>,
  unwanted: readonly string[],
  judge: (option: TableOption, value: unknown) => Promise<void>,
): Promise<void> {
  for (const name of given) {
    const option = program.options.find((each) => each instanceof TableOption && each.setting === name) as TableOption;
    if (unwanted.includes(name)) throw new ExitError(ExitCode.usage, `${option.label} cannot stand beside init`);
    await judge(option, program.getOptionValue(option.attributeName())).catch((error: Error) => {
      throw error instanceof TypeError ? new ExitError(ExitCode.usage, `${option.label}: ${error.message}`) : error;
    });
  }
}
