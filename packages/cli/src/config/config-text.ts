import { Argument, type Command, InvalidArgumentError, type Option } from 'commander';
import { escapeText } from '../escape-text.js';
import { isRepeatable } from '../options/repeatable.js';
import { booleanOf, hasPlace, isMap, isScalar, isSeq, type LineMistake, sourceOf, YamlText } from '../yaml/index.js';
import { resolveFileValue } from './file-value.js';

/** What a configuration file says, in the terms of the command line. */
export interface Config {
  /** Values of options, parsed as the command line would, by the name that `program.opts()` has for them. */
  readonly options: ReadonlyMap<string, unknown>;
  /** Values of arguments, by their position. */
  readonly arguments: ReadonlyMap<number, unknown>;
  readonly mistakes: readonly LineMistake[];
  /** What was read, by the name that the file has for it. */
  readonly settings: ReadonlyMap<string, Setting>;
}

export interface Setting {
  /** Counted from 1. */
  readonly line: number;
  /** As the command line would have parsed it. */
  readonly value: unknown;
}

export interface ConfigContext {
  /** Folder that relative paths in the file count from. */
  readonly folder: string;
  /** What `~/` stands for. */
  readonly home: string;
}

/** Says of itself where the configuration is, or ends the program at once: of no use inside it. */
const NOT_SETTINGS: ReadonlySet<string> = new Set(['config', 'version', 'help']);

/**
 * Reads the YAML `text`: every long flag and every argument of `program` is a setting of the same name. Never throws;
 * each mistake is told with its line.
 */
export function parseConfig(program: Command, text: string, context: ConfigContext): Config {
  return new ConfigText(program, text, context).read();
}

class ConfigText {
  readonly #program: Command;
  readonly #yaml: YamlText;
  readonly #context: ConfigContext;
  readonly #known = new Map<string, Option | Argument>();
  readonly #settings = new Map<string, Setting>();
  readonly #options = new Map<string, unknown>();
  readonly #arguments = new Map<number, unknown>();

  constructor(program: Command, text: string, context: ConfigContext) {
    this.#program = program;
    this.#yaml = new YamlText(text, { quotes: true });
    this.#context = context;
    for (const argument of program.registeredArguments) this.#known.set(argument.name(), argument);
    for (const option of program.options) {
      if (option.long !== undefined && !NOT_SETTINGS.has(option.name())) this.#known.set(settingName(option), option);
    }
  }

  read(): Config {
    const { contents, mistakes } = this.#yaml;
    if (isMap(contents)) {
      for (const pair of contents.items) this.#readPair(pair);
    } else if (hasPlace(contents) && mistakes.length === 0) {
      this.#blame(contents, 'expected settings such as "listen: 127.0.0.1:1080", one a line');
    }
    return {
      options: this.#options,
      arguments: this.#arguments,
      mistakes: this.#yaml.mistakes,
      settings: this.#settings,
    };
  }

  #readPair({ key, value }: { readonly key: unknown; readonly value: unknown }): void {
    const name = sourceOf(key) ?? '';
    const setting = this.#known.get(name);
    if (setting === undefined) {
      const allowed = [...this.#known.keys()].sort().join(', ');
      return this.#blame(key, `unknown setting ${JSON.stringify(name)}; allowed are ${allowed}`);
    }
    try {
      const values: readonly unknown[] = isSeq(value) ? value.items : [value];
      if (isSeq(value) && !takesList(setting)) throw new InvalidArgumentError('Expected one value, not a list.');
      this.#settings.set(name, { line: this.#yaml.lineOf(key), value: this.#set(setting, values) });
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      this.#blame(hasPlace(value) ? value : key, `${name}: ${lowerFirst(error.message.replace(/\.$/, ''))}`);
    }
  }

  /** The value that it has now. */
  #set(setting: Option | Argument, values: readonly unknown[]): unknown {
    if (setting instanceof Argument) {
      const parsed = values.map(textOf);
      const value = setting.variadic ? parsed : parsed[0];
      this.#arguments.set(this.#program.registeredArguments.indexOf(setting), value);
      return value;
    }
    const value = this.#valueOf(setting, values);
    this.#options.set(setting.attributeName(), value);
    return value;
  }

  #valueOf(option: Option, values: readonly unknown[]): unknown {
    if (option.isBoolean() || option.negate) return switchOf(values[0]);
    const texts = values.map((value) => resolveFileValue(option, textOf(value), this.#context));
    return texts.reduce<unknown>((previous, text) => parseValue(option, text, previous), undefined);
  }

  #blame(node: unknown, message: string): void {
    this.#yaml.blame(node, oneLine(message));
  }
}

/** Of a message from anywhere. */
export function oneLine(message: string): string {
  return escapeText(message.split('\n', 1).join(), 1024);
}

/** `--no-access-log` is `access-log: false`. */
function settingName(option: Option): string {
  return option.negate ? option.name().replace(/^no-/, '') : option.name();
}

function takesList(setting: Option | Argument): boolean {
  return setting instanceof Argument ? setting.variadic : isRepeatable(setting);
}

function parseValue(option: Option, text: string, previous: unknown): unknown {
  // Commander hands the value before it, of whatever type the parser returns, to every parser.
  return option.parseArg === undefined ? text : option.parseArg(text, previous as never);
}

function textOf(node: unknown): string {
  const text = sourceOf(node) ?? booleanOf(node)?.toString();
  if (text !== undefined && text !== '') return text;
  const isValue = node === null || isScalar(node);
  throw new InvalidArgumentError(isValue ? 'Expected a value.' : 'Expected a value, not a mapping or an alias.');
}

function switchOf(node: unknown): boolean {
  const value = booleanOf(node);
  if (value !== undefined) return value;
  throw new InvalidArgumentError('Expected true or false.');
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
