import type { Writable } from 'node:stream';
import { type Command, CommanderError } from 'commander';
import { didYouMean } from 'wsproxy-node/options';
import { escapeText } from './escape-text.js';
import { ExitCode, ExitError } from './exit-code.js';
import { leaveClosedTerminal } from './terminal.js';

/** How long the last lines may take to reach a slow reader of standard error, in milliseconds. */
const LAST_LINES = 500;
/** In milliseconds. */
const ONE_DAY = 86_400_000;

/**
 * Parses the command line, runs the action and ends the process when the action's promise settles: the promise is the
 * life of the program. Whatever goes wrong is one line on standard error and an exit code of `ExitCode`.
 */
export async function runProgram(program: Command): Promise<void> {
  // `--help | head -1` closes standard output early; without a listener that would end the process with a stack trace.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  process.on('uncaughtException', (error) => {
    tell(program, error);
    process.exit(ExitCode.defect);
  });

  // A promise that is pending keeps no process alive, nor do the timers of the engine: between two tries to connect
  // Node would take a client for done, and end it with exit code 13.
  setInterval(() => {}, ONE_DAY);
  const exitCode = await run(program);
  // What the action wrote to standard output is data, and a slow reader gets all of it.
  await flushed(process.stdout);
  await Promise.race([flushed(process.stderr), new Promise((resolve) => setTimeout(resolve, LAST_LINES))]);
  leaveClosedTerminal();
  process.exit(exitCode);
}

async function run(program: Command): Promise<ExitCode> {
  try {
    overrideExit(program);
    await program.parseAsync();
    return ExitCode.ok;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.ok;
    // It has printed the help, since a command was missing.
    if (!(error instanceof CommanderError && error.code === 'commander.help')) tell(program, error);
    if (error instanceof CommanderError) return ExitCode.usage;
    return error instanceof ExitError ? error.exitCode : ExitCode.defect;
  }
}

/** Also of its commands: commander does not ask their parent, and would end the process with another exit code. */
function overrideExit(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
  for (const each of command.commands) overrideExit(each);
}

function tell(program: Command, error: unknown): void {
  const lines = error instanceof ExitError ? error.lines : [describe(program, error)];
  for (const line of lines) process.stderr.write(`${program.name()}: ${escapeText(line, 2048)}\n`);
}

/** What other programs have: everybody on the machine could read it in the list of processes. */
const NO_TOKEN_FLAG =
  'there is no --token, since other users would see it: put the token in a file and give --token-file FILE, or set WSPROXY_TOKEN';

function describe(program: Command, error: unknown): string {
  if (error instanceof CommanderError) {
    if (error.code === 'commander.unknownOption' && /'--token[='"]/.test(error.message)) return NO_TOKEN_FLAG;
    const text = (unknownCommand(program, error) ?? error.message).replace(/^error: |\.$/g, '').replaceAll('\n', ' ');
    return `${text}; see ${program.name()} --help`;
  }
  const place = error instanceof Error ? error.stack?.split('\n    at ')[1] : undefined;
  return `internal error, please report it: ${error}${place === undefined ? '' : ` at ${place}`}`;
}

/** A program that takes no arguments was given one that is nearly a command: commander does not ask for that. */
function unknownCommand(program: Command, { code }: CommanderError): string | undefined {
  const [given = ''] = program.args;
  const names = program.commands.map((command) => command.name());
  const hint = code === 'commander.excessArguments' && !names.includes(given) && didYouMean(given, names);
  return hint ? `unknown command '${given}'${hint.replace(/^; d(.+)$/, ' (D$1)')}` : undefined;
}

function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}
