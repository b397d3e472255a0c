import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../logging/log-options.js';

/** What `program.opts()` holds for the options that both programs have. */
export interface CommonOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** Adds --log-level, --log-format and --version to `program`; the version is the one in the file `packageJson`. */
export function addCommonOptions(program: Command, packageJson: URL): Command {
  const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string };
  return program
    .addOption(new Option('--log-level <level>', 'least important level to log').choices(LOG_LEVELS).default('info'))
    .addOption(new Option('--log-format <format>', 'for people or for machines').choices(LOG_FORMATS).default('pretty'))
    .version(version, '-V, --version', 'print the version');
}
