import type { Writable } from 'node:stream';
import { escapeText } from './escape-text.js';
import { ExitCode, ExitError } from './exit-code.js';
import { languageOf, say, speak } from './language/index.js';
import { leaveClosedTerminal } from './terminal.js';

/**
 * Runs `task` and ends the process when its promise settles: the promise is the life of the program `name`. Anything that goes
 * wrong is one line on standard error, in the language of its arguments or of `env`, and an exit code of `ExitCode`.
 */
export async function runToEnd(name: string, env: Environment, task: () => Promise<void>): Promise<void> {
  const tell = (error: unknown): void => {
    for (const line of linesOf(error)) process.stderr.write(`${name}: ${escapeText(say(line), 2048)}\n`);
  };
  // `--help | head -1` closes standard output early; without a listener that would end the process with a stack trace.
  let lost: NodeJS.ErrnoException | undefined;
  process.stdout.on('error', (error) => {
    lost ??= error;
  });
  process.stderr.on('error', () => {});
  process.on('uncaughtException', (error) => {
    tell(error);
    process.exit(ExitCode.defect);
  });

  // A promise that is pending keeps no process alive, nor do the timers of the engine: between two tries to connect
  // Node would take a client for done, and end it with exit code 13.
  setInterval(() => {}, ONE_DAY);
  let exitCode: ExitCode = ExitCode.ok;
  try {
    await speak(languageOf(process.argv.slice(2), env));
    await task();
  } catch (error) {
    tell(error);
    exitCode = error instanceof ExitError ? error.exitCode : ExitCode.defect;
  }
  // What the task wrote to standard output is data, and a slow reader gets all of it.
  await flushed(process.stdout);
  // A failure of the last write is told after promises.
  await new Promise((resolve) => setImmediate(resolve));
  if (exitCode === ExitCode.ok && lost !== undefined && !NOBODY_READS.has(lost.code ?? '')) {
    exitCode = ExitCode.failed;
    tell(new ExitError(exitCode, `cannot write to standard output: ${whyLost(lost)}`));
  }
  await Promise.race([flushed(process.stderr), new Promise((resolve) => setTimeout(resolve, LAST_LINES))]);
  leaveClosedTerminal();
  process.exit(exitCode);
}

type Environment = Readonly<Record<string, string | undefined>>;

function linesOf(error: unknown): readonly string[] {
  if (error instanceof ExitError) return error.lines;
  const place = error instanceof Error ? error.stack?.split('\n    at ')[1] : undefined;
  return [`internal error, please report it: ${error}${place === undefined ? '' : ` at ${place}`}`];
}

function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}

/** It is no failure when a reader has enough, or when its terminal is gone. */
const NOBODY_READS = new Set(['EPIPE', 'EIO']);

function whyLost({ code, message }: NodeJS.ErrnoException): string {
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'no space left' : message;
}

/** How long the last lines may take to reach a slow reader of standard error, in milliseconds. */
const LAST_LINES = 500;
/** In milliseconds. */
const ONE_DAY = 86_400_000;
