import { Argument, Option } from 'commander';
import { isNumberRule, type OptionRule } from 'wsproxy-node/options';
import { formatNumber, parseNumber, rangeOf } from './number-text.js';

/** For units whose values a program takes in another form than as text; each throws InvalidArgumentError. */
export type Parsers = Readonly<Record<string, (text: string) => unknown>>;

/** A flag that has a row in a table of options. */
export class TableOption extends Option {
  /** Of the row. */
  readonly key: string;
  readonly rule: OptionRule;
  /** How messages name it: `--allow`. */
  readonly label: string;
  /** Its name in a configuration file: `--no-access-log` is `access-log: false`. Undefined: it cannot stand there. */
  readonly setting: string | undefined;
  readonly takesList: boolean;

  constructor(key: string, rule: OptionRule, parsers: Parsers = {}) {
    super(rule.flags ?? '', describe(rule));
    this.key = key;
    this.rule = rule;
    this.label = this.long ?? this.flags;
    this.setting = this.long?.replace(/^--(no-)?/, '');
    this.takesList = rule.list !== undefined;
    if (rule.group !== undefined) this.helpGroup(rule.group);
    if (rule.conflicts !== undefined) this.conflicts([...rule.conflicts]);
    if ('choices' in rule) this.choices(rule.choices.map(String)).default(rule.default);
    else if (rule.unit !== 'switch') this.#takeValue(parsers[rule.unit] ?? parserOf(rule));
  }

  #takeValue(parse: (text: string) => unknown): void {
    const { rule } = this;
    if (rule.default !== undefined) {
      const value = isNumberRule(rule) ? rule.default : parse(String(rule.default));
      this.default(this.takesList ? [value] : value, shownDefault(rule));
    }
    if (!this.takesList) return void this.argParser(parse);
    // Commander's variadic options would swallow the arguments that follow. What is given replaces the default as a whole.
    this.argParser<readonly unknown[] | undefined>((text, previous) => {
      const before = previous === this.defaultValue ? undefined : previous;
      return [...(before ?? []), parse(text)];
    });
  }
}

/** An argument that has a row in a table of options. */
export class TableArgument extends Argument {
  readonly key: string;
  readonly rule: OptionRule;
  readonly label: string;
  readonly setting: string;
  readonly takesList: boolean;

  constructor(key: string, rule: OptionRule) {
    super(rule.flags ?? '', describe(rule));
    this.key = key;
    this.rule = rule;
    this.label = this.name();
    this.setting = this.name();
    this.takesList = this.variadic;
  }
}

/** `[url...]`, where flags begin with a dash. */
export function isArgument({ flags = '' }: OptionRule): boolean {
  return !flags.startsWith('-');
}

/** The value on the command line, and in a file, is the path of a file that holds what is meant. */
export function namesFile({ flags = '' }: OptionRule): boolean {
  return flags.endsWith('<file>');
}

function parserOf(rule: OptionRule): (text: string) => unknown {
  return isNumberRule(rule) ? (text) => parseNumber(rule, text) : String;
}

/** For the help, which shows a default that is a value by itself. */
function describe(rule: OptionRule): string {
  const text = isNumberRule(rule) ? rule.text.replace('{range}', rangeOf(rule)) : rule.text;
  const repeatable = rule.list === undefined ? '' : '; repeatable';
  const env = rule.env === undefined ? '' : `; ${rule.env} is the other way`;
  const otherwise = rule.otherwise === undefined ? '' : ` (default: ${rule.otherwise})`;
  return `${text}${repeatable}${env}${otherwise}`;
}

function shownDefault(rule: OptionRule): string {
  return isNumberRule(rule) ? formatNumber(rule, rule.default ?? 0) : String(rule.default);
}
