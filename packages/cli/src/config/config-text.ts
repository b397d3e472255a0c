import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { calledNow, didYouMean, type OptionRule } from 'wsproxy-node/options';
import { escapeText } from '../escape-text.js';
import { namesFile, TableArgument, TableOption } from '../options/table-option.js';
import { booleanOf, hasPlace, isMap, isScalar, isSeq, type LineMistake, sourceOf, YamlText } from '../yaml/index.js';

/** What a configuration file says, in the terms of the command line. */
export interface Config {
  /** What was read, by the name that the file has for it. */
  readonly settings: ReadonlyMap<string, Setting>;
  readonly mistakes: readonly LineMistake[];
}

export interface Setting {
  /** Counted from 1. */
  readonly line: number;
  /** Of each item, where the value is a list. */
  readonly lines: readonly number[];
  /** What it sets. */
  readonly option: TableOption | TableArgument;
  /** As the command line would have parsed it. */
  readonly value: unknown;
}

export interface ConfigContext {
  /** Folder that relative paths in the file count from. */
  readonly folder: string;
  /** What `~/` stands for. */
  readonly home: string;
}

/**
 * Reads the YAML `text`: every long flag and every argument of `program` that has a row in a table is a setting of the same
 * name. Never throws; each mistake is told with its line.
 */
export function parseConfig(program: Command, text: string, context: ConfigContext): Config {
  return new ConfigText(program, text, context).read();
}

class ConfigText {
  readonly #yaml: YamlText;
  readonly #context: ConfigContext;
  readonly #known = new Map<string, TableOption | TableArgument>();
  readonly #settings = new Map<string, Setting>();

  constructor(program: Command, text: string, context: ConfigContext) {
    this.#yaml = new YamlText(text, { quotes: true });
    this.#context = context;
    for (const option of [...program.registeredArguments, ...program.options]) {
      const isSetting = option instanceof TableOption || option instanceof TableArgument;
      if (isSetting && option.setting !== undefined) this.#known.set(option.setting, option);
    }
  }

  read(): Config {
    const { contents, mistakes } = this.#yaml;
    if (isMap(contents)) {
      for (const pair of contents.items) this.#readPair(pair);
    } else if (hasPlace(contents) && mistakes.length === 0) {
      this.#blame(contents, 'expected settings such as "listen: 127.0.0.1:1080", one a line');
    }
    return { settings: this.#settings, mistakes: this.#yaml.mistakes };
  }

  #readPair({ key, value }: { readonly key: unknown; readonly value: unknown }): void {
    const name = sourceOf(key) ?? '';
    const option = this.#known.get(name);
    if (option === undefined) {
      return this.#blame(key, `unknown setting ${JSON.stringify(name)}${this.#hintFor(name)}`);
    }
    try {
      this.#settings.set(name, {
        line: this.#yaml.lineOf(key),
        lines: isSeq(value) ? value.items.map((item) => this.#yaml.lineOf(item)) : [],
        option,
        value: this.#valueOf(option, value),
      });
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      this.#blame(hasPlace(value) ? value : key, `${name}: ${lowerFirst(error.message.replace(/\.$/, ''))}`);
    }
  }

  #hintFor(name: string): string {
    const known = [...this.#known.keys()];
    const rules = [...this.#known].map(([setting, { rule }]) => [setting, rule] as const);
    return calledNow(`--${name}`, rules) || didYouMean(name, known) || `; allowed are ${known.sort().join(', ')}`;
  }

  #valueOf(option: TableOption | TableArgument, node: unknown): unknown {
    if (isSeq(node) && !option.takesList) throw new InvalidArgumentError('Expected one value, not a list.');
    if (option.rule.unit === 'switch') return switchOf(node);
    const texts = (isSeq(node) ? node.items : [node]).map((each: unknown) => this.#textOf(option, each));
    if (isSeq(node) && texts.length === 0) return [];
    if (option instanceof TableArgument) return option.takesList ? texts : texts[0];
    // Commander hands the value before it, of any type the parser returns, to every parser.
    return texts.reduce<unknown>((previous, text) => option.parseArg?.(text, previous as never) ?? text, undefined);
  }

  #textOf({ rule }: TableOption | TableArgument, node: unknown): string {
    const text = sourceOf(node) ?? booleanOf(node)?.toString();
    if (text === undefined && node !== null && !isScalar(node)) {
      throw new InvalidArgumentError('Expected a value, not a mapping or an alias.');
    }
    if (text === undefined || text === '') throw new InvalidArgumentError('Expected a value.');
    return namesPath(rule) ? resolvePath(text, this.#context) : text;
  }

  #blame(node: unknown, message: string): void {
    this.#yaml.blame(node, oneLine(message));
  }
}

/** Of a message from anywhere. */
export function oneLine(message: string): string {
  return escapeText(message.split('\n', 1).join(), 1024);
}

function switchOf(node: unknown): boolean {
  const value = booleanOf(node);
  if (value === undefined) throw new InvalidArgumentError('Expected true or false.');
  return value;
}

function namesPath(rule: OptionRule): boolean {
  return namesFile(rule) || PATH_UNITS.has(rule.unit);
}

const PATH_UNITS: ReadonlySet<string> = new Set(['archive', 'folder', 'socket path', 'state file']);

/**
 * In a configuration file no shell expands `~/`, and nobody knows which folder the program is started in: paths count
 * from the folder of the file.
 */
function resolvePath(text: string, { folder, home }: ConfigContext): string {
  return text.startsWith('~/') ? join(home, text.slice(2)) : resolve(folder, text);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
