import { closeSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { OptionError } from 'wsproxy-node/options';
import { checkSecret } from '../check-secret.js';
import { decodeText } from '../decode-text.js';
import { escapeText } from '../escape-text.js';
import { ExitCode, ExitError } from '../exit-code.js';
import { type Language, say, speak } from '../language/index.js';
import { TableArgument, type TableOption } from '../options/table-option.js';
import { orServiceFile } from '../service-file.js';
import { userFolders } from '../user-folders.js';
import type { LineMistake } from '../yaml/index.js';
import { type ChangedSetting, changesIn } from './changes.js';
import type { Config } from './config-text.js';
import { conflictsIn, winsOver } from './conflicts.js';

export interface ConfigFileOptions {
  /** Name of the default file: `client` is `$XDG_CONFIG_HOME/wsproxy/client.yaml`. */
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file of the service, told where `config check` finds no default file. Default: none. */
  readonly serviceFile?: string;
  /** Commands of the program that the file counts for as well. Default: none. */
  readonly alsoFor?: readonly Command[];
  /** Rejects when a setting cannot have this value, no matter what the others are; the message says why. */
  readonly judge?: (option: TableOption | TableArgument, value: unknown) => Promise<void>;
  /** Rejects with OptionError when the settings of `program`, each of which can be used, do not go together. */
  readonly judgeAll?: () => Promise<void>;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'no permission',
  EISDIR: 'it is a directory',
};

/** In the URL of a proxy. */
const PASSWORD = /:\/\/[^\s/@]*:[^\s/@]+@/;
/** A setting whose value is run. */
const COMMAND = /\w-command\b/;

/** What a program can do with its configuration file once it runs. */
export interface ConfigFile {
  /**
   * Reads it once more: the settings that it has otherwise than when the program began, those left out that flags win over.
   * Undefined when there is no file, and was none. Rejects with ExitError (usage), in one line, when there is a mistake in it.
   */
  reread(): Promise<readonly ChangedSetting[] | undefined>;
}

/**
 * Gives `program` a configuration file, `--config FILE` or the default one if it is there, and the command
 * `config check`. Flags win over the file. To be called when all other options are there.
 */
export function addConfigFile(program: Command, options: ConfigFileOptions): ConfigFile {
  const { home, configHome } = userFolders(options.env);
  const defaultPath = join(configHome, 'wsproxy', `${options.name}.yaml`);
  const check = new Command('check')
    .description('tell every mistake in a configuration file, with its line')
    .argument('[file]', 'the file; default: what --config says')
    .action(async (file: string | undefined) => {
      const given = file ?? givenPath(program);
      const path = given ?? defaultPath;
      const serviceFile = given === undefined ? options.serviceFile : undefined;
      const config = await load(program, path, { ...options, home, serviceFile });
      const mistakes = config.mistakes.length > 0 ? config.mistakes : await judgeAll(program, config, options);
      const lines = mistakes.map(({ line, message }) => `${escapeText(path)}:${line}: ${message}`);
      if (lines.length > 0) throw new ExitError(ExitCode.usage, lines);
      const { size } = config.settings;
      const found = `${escapeText(path)}: no mistake in ${size === 1 ? '1 setting' : `${size} settings`}`;
      process.stdout.write(`${say(found)}\n`);
    });

  program
    .option(
      '--config <file>',
      `YAML file of flags; the command line wins (default: ~/.config/wsproxy/${options.name}.yaml)`,
    )
    .addCommand(new Command('config').description('work with the configuration file').addCommand(check))
    .hook('preAction', async (_program, command) => {
      if (command !== program && options.alsoFor?.includes(command) !== true) return;
      began = await read(givenPath(program) === undefined);
      apply(program, began);
      const { lang } = program.opts<{ lang?: Language }>();
      if (lang !== undefined) await speak(lang);
    });

  let began = NO_FILE;
  const read = async (mayBeMissing: boolean): Promise<Config> => {
    const path = givenPath(program) ?? defaultPath;
    const config = await load(program, path, { ...options, home, serviceFile: undefined }, mayBeMissing);
    const [first, ...others] = config.mistakes;
    if (first === undefined) return config;
    const more = others.length === 0 ? '' : `; ${others.length} more: see ${program.name()} config check`;
    throw new ExitError(ExitCode.usage, `${path}:${first.line}: ${first.message}${more}`);
  };
  return {
    async reread() {
      const config = await read(began === NO_FILE);
      return config === NO_FILE ? undefined : changesIn(program, began.settings, config.settings);
    },
  };
}

function givenPath(program: Command): string | undefined {
  return program.opts<{ config?: string }>().config;
}

/** Instead of a file. */
const NO_FILE: Config = { mistakes: [], settings: new Map() };

interface LoadOptions extends Omit<ConfigFileOptions, 'serviceFile'> {
  readonly home: string;
  readonly serviceFile: string | undefined;
}

async function load(program: Command, path: string, options: LoadOptions, mayBeMissing = false): Promise<Config> {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    if (error instanceof ExitError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    if (mayBeMissing && isMissing) return NO_FILE;
    const reason = `${REASONS[code] ?? (code || message)}${isMissing ? orServiceFile(options.serviceFile) : ''}`;
    throw new ExitError(ExitCode.usage, `cannot read the configuration file ${path}: ${reason}`, { cause: error });
  }
  if (text === '') return { mistakes: [], settings: new Map() };
  // It brings a parser of YAML, tens of milliseconds: only those who have a file wait for it.
  const { oneLine, parseConfig } = await import('./config-text.js');
  const { settings, mistakes } = parseConfig(program, text, { folder: dirname(path), home: options.home });
  const judged: LineMistake[] = [...mistakes];
  for (const [name, { line, lines, option, value }] of settings) {
    const judge = async (it: unknown, at: number): Promise<void> => {
      await options.judge?.(option, it).catch((error: Error) => {
        const problem = error instanceof OptionError ? error.problem : error.message;
        judged.push({ line: at, message: oneLine(`${name}: ${problem}`) });
      });
    };
    const before = judged.length;
    const items: readonly unknown[] = Array.isArray(value) && value.length === lines.length ? value : [];
    for (const [n, item] of items.entries()) await judge([item], lines[n] ?? line);
    // What items have to do with each other.
    if (judged.length === before) await judge(value, line);
  }
  // One mistake of a setting is enough.
  judged.push(...conflictsIn(settings).filter(({ line }) => judged.every((mistake) => mistake.line !== line)));
  return { settings, mistakes: judged.sort((a, b) => a.line - b.line) };
}

/** The mistake between settings of a file, if there is one, at the line of the setting that is named. */
async function judgeAll(program: Command, config: Config, options: ConfigFileOptions): Promise<readonly LineMistake[]> {
  apply(program, config);
  try {
    await options.judgeAll?.();
    return [];
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const { option: key, problem } = error;
    const [name, setting] = [...config.settings].find(([, { option }]) => option.key === key) ?? [key];
    return [{ line: setting?.line ?? 1, message: `${name}: ${problem}` }];
  }
}

/** One with a password in it must be as close as any other file with a secret; one with a command could run another. */
function readText(path: string): string {
  const file = openSync(path, 'r');
  try {
    const text = decodeText(readFileSync(file));
    const shown = escapeText(path);
    if (PASSWORD.test(text)) checkSecret(file, { path, name: `${shown} (it holds a password)` });
    else if (COMMAND.test(text)) checkSecret(file, { path, name: `${shown} (it names a command)`, mayBeRead: true });
    return text;
  } finally {
    closeSync(file);
  }
}

function apply(program: Command, { settings }: Config): void {
  for (const { option, value } of settings.values()) {
    if (option instanceof TableArgument) applyArgument(program, option, value);
    else if (!winsOver(program, option)) {
      program.setOptionValueWithSource(option.attributeName(), value, 'config');
    }
  }
}

function applyArgument(program: Command, argument: TableArgument, value: unknown): void {
  const position = program.registeredArguments.indexOf(argument);
  const given: unknown = program.processedArgs[position];
  if (given === undefined || (Array.isArray(given) && given.length === 0)) program.processedArgs[position] = value;
}
