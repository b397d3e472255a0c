import type { Command } from 'commander';
import type { OptionTable } from 'wsproxy-node/options';
import { LANGUAGES, type Language } from '../language/index.js';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../logging/log-options.js';
import { addOptions } from './add-options.js';
import { addHelpTexts, formatHelp } from './format-help.js';

/** What `program.opts()` holds for the options that both programs have. */
export interface CommonOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly lang?: Language;
}

/** The options that both programs have. */
export const COMMON_OPTIONS: OptionTable = {
  logLevel: {
    flags: '--log-level <level>',
    unit: 'choice',
    choices: LOG_LEVELS,
    default: 'info',
    library: false,
    usual: 'from debug to error (info)',
    text: 'least important level to log',
  },
  logFormat: {
    flags: '--log-format <format>',
    unit: 'choice',
    choices: LOG_FORMATS,
    default: 'pretty',
    library: false,
    text: 'for people or for machines',
  },
  lang: {
    flags: '--lang <language>',
    unit: 'choice',
    choices: LANGUAGES,
    library: false,
    otherwise: 'as LC_ALL, LC_MESSAGES or LANG says',
    text: 'language of help, messages and log lines, English or Chinese; JSON is always in English',
  },
};

/** The options that the command `init` of either program has. */
export const COMMON_INIT_OPTIONS: OptionTable = {
  force: {
    flags: '--force',
    unit: 'switch',
    default: false,
    library: false,
    text: 'replace files that say something else, and keep each as FILE.old',
  },
};

/** What stands behind the options of `init`. */
export function addInitHelp(command: Command, example: string): Command {
  const text = `
Other flags of the program go into the configuration file that it writes:
  ${example}`;
  return addHelpTexts(command, text, text);
}

/** Adds them and --version to `program`. */
export function addCommonOptions(program: Command, version: string): Command {
  program.configureHelp({ minWidthToWrap: NARROWEST_TEXT, formatHelp });
  program.helpOption('-h, --help', 'print help; --help all prints all');
  return addOptions(program, COMMON_OPTIONS).version(version, '-V, --version', 'print the version');
}

/** Columns that the text of an option has beside its flags, at least: commander leaves it in one line below 40. */
const NARROWEST_TEXT = 30;
