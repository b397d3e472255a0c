/**
 * One option, said once. Flags, configuration file, help, the checks of the library and docs/options.md come from it.
 * `Unit` names what the values are beyond numbers, choices and switches; anyone who has the table says how each is checked.
 */
export type OptionRule<Unit extends string = string> = NumberRule | ChoiceRule | SwitchRule | ValueRule<Unit>;

/** By name: of the library, where it has the option, with a dot below a group (`egress.upstream`). */
export type OptionTable<Unit extends string = string> = Readonly<Record<string, OptionRule<Unit>>>;

interface Described {
  /**
   * As on the command line, with the letters of ssh and curl: `-x, --proxy <url>`, or `[url...]` for an argument. In a file
   * it is the long name without dashes. Undefined: only the library has it.
   */
  readonly flags?: string;
  /** What it was called before: its name in the library, and its flag. Nothing but a message knows them. */
  readonly formerly?: readonly string[];
  /** What it says, in a few words. */
  readonly text: string;
  /** It is one of the usual ones, and says this in the help that fits a screen. */
  readonly usual?: string;
  /**
   * It takes several: the flag may be repeated, a file may hold a list, the library takes a list. `flag`: in the library it
   * is no list.
   */
  readonly list?: true | 'flag';
  /** Where the library has it, if it is no option of that name: `close({ drain })`; false: nowhere. */
  readonly library?: string | false;
  /** What holds when it is not given, if that is no value of its own. */
  readonly otherwise?: string;
  /** The variable of the environment that it may stand in too. */
  readonly env?: string;
  /** It is, or may hold, a secret: no message shows it. */
  readonly secret?: true;
  /** Heading in the help. */
  readonly group?: string;
  /** Options that cannot stand beside it. */
  readonly conflicts?: readonly string[];
}

export interface NumberRule extends Described {
  /** `rate` is bytes a second. */
  readonly unit: 'count' | 'ms' | 'bytes' | 'rate';
  readonly default?: number;
  readonly min: number;
  readonly max: number;
  /** The word for 0, where 0 is allowed although it is below `min`. */
  readonly zero?: string;
}

export interface ChoiceRule extends Described {
  readonly unit: 'choice';
  readonly choices: readonly (string | number)[];
  readonly default?: string | number;
}

/** On or off; with `--no-x` as its flag it is on by default. */
export interface SwitchRule extends Described {
  readonly unit: 'switch';
  readonly default: boolean;
}

export interface ValueRule<Unit extends string> extends Described {
  readonly unit: Unit;
  readonly default?: string;
}

/** Of every system, the shortest path that a Unix socket may have, bytes; beyond its limit Linux would cut it off. */
export const MAX_UNIX_PATH = 103;

/** The longest time that a timer of Node keeps, ms: a longer one would be over at once. About 24.8 days. */
export const LONGEST_TIME: number = 2 ** 31 - 1;

export function isNumberRule(rule: OptionRule): rule is NumberRule {
  return 'min' in rule;
}
