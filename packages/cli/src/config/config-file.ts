import { closeSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { checkSecret } from '../check-secret.js';
import { escapeText } from '../escape-text.js';
import { ExitCode, ExitError } from '../exit-code.js';
import type { Config } from './config-text.js';

export interface ConfigFileOptions {
  /** Name of the default file: `client` is `$XDG_CONFIG_HOME/wsproxy/client.yaml`. */
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Commands of the program that the file counts for as well. Default: none. */
  readonly alsoFor?: readonly Command[];
  /** Rejects when a setting, by the name that the file has for it, cannot have this value; the message says why. */
  readonly judge?: (name: string, value: unknown) => Promise<void>;
}

/** In the URL of a proxy. */
const PASSWORD = /:\/\/[^\s/@]*:[^\s/@]+@/;

/**
 * Gives `program` a configuration file, `--config FILE` or the default one if it is there, and the command
 * `config check`. Flags win over the file. To be called when all other options are there.
 */
export function addConfigFile(program: Command, options: ConfigFileOptions): void {
  // The second is Windows'.
  const home = options.env['HOME'] ?? options.env['USERPROFILE'] ?? '';
  const folder = options.env['XDG_CONFIG_HOME'] || join(home, '.config');
  const defaultPath = join(folder, 'wsproxy', `${options.name}.yaml`);
  const check = new Command('check')
    .description('tell every mistake in a configuration file, with its line')
    .argument('[file]', 'the file; default: what --config says')
    .action(async (file: string | undefined) => {
      const path = file ?? givenPath(program) ?? defaultPath;
      const config = await load(program, path, { ...options, home });
      const mistakes = config.mistakes.map(({ line, message }) => `${escapeText(path)}:${line}: ${message}`);
      if (mistakes.length > 0) throw new ExitError(ExitCode.usage, mistakes);
      process.stdout.write(`${escapeText(path)}: no mistake in ${count(config)}\n`);
    });

  program
    .option(
      '--config <file>',
      `YAML file with any of these flags, which win over it; if it is there, ~/.config/wsproxy/${options.name}.yaml`,
    )
    .addCommand(new Command('config').description('work with the configuration file').addCommand(check))
    .hook('preAction', async (_program, command) => {
      if (command !== program && options.alsoFor?.includes(command) !== true) return;
      const path = givenPath(program);
      const config = await load(program, path ?? defaultPath, { ...options, home }, path === undefined);
      const [first, ...others] = config.mistakes;
      if (first === undefined) return apply(program, config);
      const more = others.length === 0 ? '' : `; ${others.length} more: see ${program.name()} config check`;
      throw new ExitError(ExitCode.usage, `${path ?? defaultPath}:${first.line}: ${first.message}${more}`);
    });
}

function givenPath(program: Command): string | undefined {
  return program.opts<{ config?: string }>().config;
}

interface LoadOptions extends ConfigFileOptions {
  readonly home: string;
}

async function load(program: Command, path: string, options: LoadOptions, mayBeMissing = false): Promise<Config> {
  let text = '';
  try {
    text = readText(path);
  } catch (error) {
    if (error instanceof ExitError) throw error;
    const { code = 'error' } = error as NodeJS.ErrnoException;
    if (!(mayBeMissing && (code === 'ENOENT' || code === 'ENOTDIR'))) {
      throw new ExitError(ExitCode.usage, `cannot read the configuration file ${path}: ${code}`, { cause: error });
    }
  }
  if (text === '') return { options: new Map(), arguments: new Map(), mistakes: [], settings: new Map() };
  // It brings a parser of YAML, tens of milliseconds: only those who have a file wait for it.
  const { oneLine, parseConfig } = await import('./config-text.js');
  const config = parseConfig(program, text, { folder: dirname(path), home: options.home });
  const mistakes = [...config.mistakes];
  for (const [name, { line, value }] of config.settings) {
    await options.judge?.(name, value).catch(({ message }: Error) => {
      mistakes.push({ line, message: oneLine(`${name}: ${message}`) });
    });
  }
  return { ...config, mistakes: mistakes.sort((a, b) => a.line - b.line) };
}

/** One with a password in it must be as close as any other file with a secret. */
function readText(path: string): string {
  const file = openSync(path, 'r');
  try {
    const text = readFileSync(file, 'utf8');
    if (PASSWORD.test(text)) checkSecret(file, { path, name: `${escapeText(path)}, which holds a password,` });
    return text;
  } finally {
    closeSync(file);
  }
}

function apply(program: Command, config: Config): void {
  for (const [name, value] of config.options) {
    if (program.getOptionValueSource(name) !== 'cli') program.setOptionValueWithSource(name, value, 'config');
  }
  for (const [position, value] of config.arguments) {
    const given: unknown = program.processedArgs[position];
    if (given === undefined || (Array.isArray(given) && given.length === 0)) program.processedArgs[position] = value;
  }
}

function count(config: Config): string {
  const size = config.options.size + config.arguments.size;
  return size === 1 ? '1 setting' : `${size} settings`;
}
