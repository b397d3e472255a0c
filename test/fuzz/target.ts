/** A parser of what strangers or users write, and what must hold for every input. */
export interface Target {
  /** Also the folder of its corpus. */
  readonly name: string;
  /** Throws when something does not hold. */
  run(input: Buffer): void;
}
