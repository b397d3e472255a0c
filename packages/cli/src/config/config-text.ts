import { Argument, type Command, InvalidArgumentError, type Option } from 'commander';
import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from 'yaml';
import { escapeText } from '../escape-text.js';
import { isRepeatable } from '../options/repeatable.js';
import { resolveFileValue } from './file-value.js';

/** What a configuration file says, in the terms of the command line. */
export interface Config {
  /** Values of options, parsed as the command line would, by the name that `program.opts()` has for them. */
  readonly options: ReadonlyMap<string, unknown>;
  /** Values of arguments, by their position. */
  readonly arguments: ReadonlyMap<number, unknown>;
  readonly mistakes: readonly Mistake[];
  /** What was read, by the name that the file has for it. */
  readonly settings: ReadonlyMap<string, Setting>;
}

export interface Setting {
  /** Counted from 1. */
  readonly line: number;
  /** As the command line would have parsed it. */
  readonly value: unknown;
}

export interface Mistake {
  /** Counted from 1. */
  readonly line: number;
  /** One line: what is wrong with what, and what is allowed. */
  readonly message: string;
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
  readonly #text: string;
  readonly #context: ConfigContext;
  readonly #lines = new LineCounter();
  readonly #known = new Map<string, Option | Argument>();
  readonly #settings = new Map<string, Setting>();
  readonly #options = new Map<string, unknown>();
  readonly #arguments = new Map<number, unknown>();
  readonly #mistakes: Mistake[] = [];

  constructor(program: Command, text: string, context: ConfigContext) {
    this.#program = program;
    this.#text = text;
    this.#context = context;
    for (const argument of program.registeredArguments) this.#known.set(argument.name(), argument);
    for (const option of program.options) {
      if (option.long !== undefined && !NOT_SETTINGS.has(option.name())) this.#known.set(settingName(option), option);
    }
  }

  read(): Config {
    const document = parseDocument(this.#text, { lineCounter: this.#lines, prettyErrors: false });
    for (const { pos, message } of [...document.errors, ...document.warnings]) this.#blame(pos[0], message);
    const { contents } = document;
    if (isMap(contents)) {
      for (const pair of contents.items) this.#readPair(pair);
    } else if (contents !== null && document.errors.length === 0) {
      this.#blame(contents.range?.[0], 'expected settings such as "listen: 127.0.0.1:1080", one a line');
    }
    return {
      options: this.#options,
      arguments: this.#arguments,
      mistakes: this.#mistakes,
      settings: this.#settings,
    };
  }

  #readPair({ key, value }: Pair): void {
    const name = isScalar(key) ? String(key.value) : '';
    const offset = rangeStart(key);
    const setting = this.#known.get(name);
    if (setting === undefined) {
      const allowed = [...this.#known.keys()].sort().join(', ');
      return this.#blame(offset, `unknown setting ${JSON.stringify(name)}; allowed are ${allowed}`);
    }
    try {
      const values = isSeq(value) ? value.items.map(scalarOf) : [scalarOf(value)];
      if (isSeq(value) && !takesList(setting)) throw new InvalidArgumentError('Expected one value, not a list.');
      this.#settings.set(name, { line: this.#lineAt(offset), value: this.#set(setting, values) });
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      this.#blame(rangeStart(value) ?? offset, `${name}: ${lowerFirst(error.message.replace(/\.$/, ''))}`);
    }
  }

  /** The value that it has now. */
  #set(setting: Option | Argument, values: readonly Scalar[]): unknown {
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

  #valueOf(option: Option, values: readonly Scalar[]): unknown {
    if (option.isBoolean() || option.negate) return booleanOf(values[0]);
    const texts = values.map((value) => resolveFileValue(option, textOf(value), this.#context));
    return texts.reduce<unknown>((previous, text) => parseValue(option, text, previous), undefined);
  }

  #blame(offset: number | undefined, message: string): void {
    this.#mistakes.push({ line: this.#lineAt(offset), message: oneLine(message) });
  }

  #lineAt(offset: number | undefined): number {
    return Math.max(this.#lines.linePos(offset ?? 0).line, 1);
  }
}

/** Of a message from anywhere. */
export function oneLine(message: string): string {
  return escapeText(message.split('\n', 1).join(), 1024);
}

type Scalar = string | number | bigint | boolean | null;

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

function scalarOf(node: unknown): Scalar {
  if (node === null) return null;
  // The source, not the value: YAML would read 1080:80 or 0123 as numbers of its own.
  if (isScalar(node)) return typeof node.value === 'boolean' ? node.value : (node.source ?? String(node.value));
  throw new InvalidArgumentError('Expected a value, not a mapping or an alias.');
}

function textOf(value: Scalar): string {
  if (value === null || value === '') throw new InvalidArgumentError('Expected a value.');
  return String(value);
}

function booleanOf(value: Scalar | undefined): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidArgumentError('Expected true or false.');
}

function rangeStart(node: unknown): number | undefined {
  return (node as { range?: readonly number[] | null } | null)?.range?.[0];
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
