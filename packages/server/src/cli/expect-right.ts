import { ExitCode, ExitError } from 'wsproxy-cli';

/** Wrong usage, when the library found mistakes in what was made of flags: each begins with its key and a colon. */
export function expectRight(mistakes: readonly string[], flags: Readonly<Record<string, string>>): void {
  const [mistake] = mistakes;
  if (mistake === undefined) return;
  throw new ExitError(
    ExitCode.usage,
    mistake.replace(/^\w+/, (key) => flags[key] ?? key),
  );
}
