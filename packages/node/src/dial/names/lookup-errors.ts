/** What a nameserver says of a name that has no address of a family: the name is unknown, or has other records. */
const FINAL: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/** What a nameserver has said for each of the two families of addresses, when neither has one. */
export class FamilyErrors extends AggregateError {
  /** That of a failure, if there is one: another nameserver may know more. */
  readonly code: string;

  constructor(errors: readonly unknown[]) {
    const codes = errors.map(codeOf);
    super(errors, codes.join(', '));
    this.code = codes.find((code) => !FINAL.has(code)) ?? codes[0] ?? '';
  }
}

/** Whether a nameserver has answered, and there is no such address: no other one would say anything else. */
export function isFinal(error: unknown): boolean {
  return FINAL.has(codeOf(error));
}

/** Whether a name that failed so below a search domain is asked for below the next one: either family is a reason, for glibc. */
export function goesOn(error: unknown): boolean {
  const errors: readonly unknown[] = error instanceof FamilyErrors ? error.errors : [error];
  return errors.some((each) => isFinal(each) || codeOf(each) === 'ESERVFAIL');
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
