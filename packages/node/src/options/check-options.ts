import { calledNow } from './called-now.js';
import { didYouMean } from './did-you-mean.js';
import { type Mistake, OptionError } from './option-error.js';
import { isNumberRule, type NumberRule, type OptionRule, type OptionTable } from './option-rule.js';

/** What is wrong with a value, in one line that names no option; undefined when nothing is. */
export type Check = (value: unknown) => string | undefined;

/** How the values of each unit are checked that is no number, choice or switch. */
export type Checks<Unit extends string> = Readonly<Record<Unit, Check>>;

/**
 * Judges every option by itself; what is undefined is not given.
 * @throws OptionError for the first that has no row in the table, or a value that its row does not allow
 */
export function checkOptions<Unit extends string>(
  table: OptionTable<Unit>,
  checks: Checks<Unit>,
  options: object,
): void {
  if (!isObject(options)) throw new OptionError('options', 'expected an object');
  const [mistake] = mistakesIn(table, checks, options, '');
  if (mistake !== undefined) throw new OptionError(mistake.key, mistake.problem);
}

/** The options with the defaults of the table for what is not given; a list that is not given is empty. */
export function withDefaults(table: OptionTable, options: object): object {
  const defaults = Object.entries(table).map(([key, rule]) => [key, rule.list === true ? [] : rule.default]);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries([...defaults.filter(([, value]) => value !== undefined), ...given]);
}

/** What is wrong with one value, as the library takes it; undefined when nothing is. */
export function problemOf<Unit extends string>(
  rule: OptionRule<Unit>,
  checks: Checks<Unit>,
  value: unknown,
): string | undefined {
  if (isNumberRule(rule)) return problemOfNumber(rule, value);
  switch (rule.unit) {
    case 'switch':
      return aSwitch(value);
    case 'choice':
      return problemOfChoice((rule as { choices: readonly unknown[] }).choices, value);
  }
  const check = checks[rule.unit as Unit];
  return rule.list === true ? problemOfList(check, value) : check(value);
}

/** What is wrong with a number, by its range. */
export function problemOfNumber(rule: NumberRule, value: unknown): string | undefined {
  if (Number.isSafeInteger(value) && Number(value) >= rule.min && Number(value) <= rule.max) return undefined;
  if (value === 0 && rule.zero !== undefined) return undefined;
  const zero = rule.zero === undefined ? '' : `, or 0 (${rule.zero})`;
  const unit = { count: '', ms: ' ms', bytes: ' bytes', rate: ' bytes a second' }[rule.unit];
  return `expected a whole number from ${rule.min} to ${rule.max}${unit}${zero}, got ${String(value)}`;
}

/** Of a string; `problemOf` says what is wrong with its text. */
export function aString(problemOf?: (text: string) => string | undefined): Check {
  return (value) => (typeof value === 'string' ? problemOf?.(value) : NO_STRING);
}

/** What `parse` says of a text that it does not take. */
export function thrownBy(parse: (text: string) => unknown): (text: string) => string | undefined {
  return (text) => {
    try {
      parse(text);
      return undefined;
    } catch (error) {
      return error instanceof OptionError ? error.problem : (error as Error).message;
    }
  };
}

export function expects(expected: string, holds: (value: unknown) => boolean): Check {
  return (value) => (holds(value) ? undefined : `expected ${expected}`);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

export const aFunction: Check = expects('a function', (value) => typeof value === 'function');
export const anObject: Check = expects('an object', isObject);
export const aLogger: Check = expects(
  'an object with the methods debug, info, warn and error',
  (value) => isObject(value) && ['debug', 'info', 'warn', 'error'].every((name) => typeof value[name] === 'function'),
);
export const anyValue: Check = () => undefined;
const aSwitch = expects('true or false', (value) => typeof value === 'boolean');
const NO_STRING = 'expected a string';

function* mistakesIn<Unit extends string>(
  table: OptionTable<Unit>,
  checks: Checks<Unit>,
  options: object,
  group: string,
): Generator<Mistake> {
  for (const [name, value] of Object.entries(options)) {
    const key = `${group}${name}`;
    // A name with a dot is one of the table alone: `limits.sessions` stands in `limits`.
    const rule = Object.hasOwn(table, key) && !name.includes('.') ? table[key] : undefined;
    const isGroup = rule === undefined && Object.keys(table).some((other) => other.startsWith(`${key}.`));
    if ((rule === undefined && !isGroup) || isOfCommandLine(rule)) yield { key, problem: unknown(table, key) };
    else if (value === undefined) continue;
    else if (rule !== undefined) yield* mistakeOf(key, problemOf(rule, checks, value));
    else if (isObject(value)) yield* mistakesIn(table, checks, value, `${key}.`);
    else yield { key, problem: 'expected an object' };
  }
}

function unknown(table: OptionTable, key: string): string {
  const known = Object.keys(table).filter((other) => !isOfCommandLine(table[other]));
  return `there is no such option${calledNow(key, Object.entries(table)) || didYouMean(key, known)}`;
}

function* mistakeOf(key: string, problem: string | undefined): Generator<Mistake> {
  if (problem !== undefined) yield { key, problem };
}

function isOfCommandLine(rule: OptionRule | undefined): boolean {
  return rule !== undefined && rule.library !== undefined;
}

function problemOfList(check: Check, value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'expected a list of strings';
  for (const item of value as unknown[]) {
    const problem = check(item);
    if (problem === NO_STRING) return 'expected a list of strings';
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfChoice(choices: readonly unknown[], value: unknown): string | undefined {
  return choices.includes(value) ? undefined : `expected ${choices.join(' or ')}`;
}
