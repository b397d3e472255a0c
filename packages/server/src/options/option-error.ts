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

/** Throws for the first of the mistakes: lines that begin with a key and a colon, of an option below `parent` if given. */
export function expectNoMistake(mistakes: readonly string[], parent?: string): void {
  const [, key = '', problem = ''] = /^(\w+): (.*)$/s.exec(mistakes[0] ?? '') ?? [];
  if (key !== '') throw new OptionError(parent === undefined ? key : `${parent}.${key}`, problem);
}
