/** What is wrong with one option. */
export interface Mistake {
  /** The option, such as `path` or `limits.idleTimeout`. */
  readonly key: string;
  /** In one line, without the name of the option. */
  readonly problem: string;
}

/** An option that cannot be used. The message is one line: which option, what is wrong with it, what is expected. */
export class OptionError extends TypeError {
  override readonly name = 'OptionError';
  /** Stable. */
  readonly code = 'INVALID_OPTION';
  /** The option, such as `path` or `limits.idleTimeout`. */
  readonly option: string;
  /** The message without the name of the option. */
  readonly problem: string;

  constructor(option: string, problem: string, options?: ErrorOptions) {
    super(`${option}: ${problem}`, options);
    this.option = option;
    this.problem = problem;
  }
}

/** @throws OptionError for the first of the mistakes, if there is one; `parent` is the group that their keys are of */
export function expectNoMistake([first]: readonly Mistake[], parent?: string): void {
  if (first !== undefined)
    throw new OptionError(parent === undefined ? first.key : `${parent}.${first.key}`, first.problem);
}
