/**
 * The exit codes of both programs. One is missing here since it depends on the signal: a second SIGINT or SIGTERM ends
 * a program at once with 128 + the number of the signal, so 130 or 143.
 */
export const ExitCode = {
  /** Did what was asked; also the graceful end after a first SIGINT or SIGTERM. */
  ok: 0,
  /** It could not be done: the port is in use, the peer refuses, the session is lost for good. */
  failed: 1,
  /** The command line, the token or the configuration is wrong; nothing was started. */
  usage: 2,
  /** A defect of the program itself (EX_SOFTWARE of sysexits.h). */
  defect: 70,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * Ends the program with `exitCode` and this one-line message: what happened, to what, and what to do. Several mistakes
 * at once are a line each.
 */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: ExitCode;
  readonly lines: readonly string[];

  constructor(exitCode: ExitCode, message: string | readonly string[], options?: ErrorOptions) {
    const lines = typeof message === 'string' ? [message] : message;
    super(lines.join('; '), options);
    this.exitCode = exitCode;
    this.lines = lines;
  }
}
