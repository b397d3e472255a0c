import { type Command, CommanderError, type Option } from 'commander';
import { calledNow, didYouMean, type OptionRule } from 'wsproxy-node/options';
import { ExitCode, ExitError } from './exit-code.js';
import { runToEnd } from './run-to-end.js';

/**
 * Parses the command line, runs the action and ends the process when the action's promise settles: the promise is the
 * life of the program. Anything that goes wrong is one line on standard error and an exit code of `ExitCode`.
 */
export function runProgram(program: Command, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  return runToEnd(program.name(), env, async () => {
    try {
      prepare(program);
      await program.parseAsync();
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode !== 0) throw new ExitError(ExitCode.usage, describe(program, error), { cause: error });
    }
  });
}

/**
 * Also its commands: commander does not ask their parent, would end the process with another exit code, and print their help in
 * English.
 */
function prepare(program: Command): void {
  program.exitOverride().configureOutput({ outputError: () => {} });
  for (const command of program.commands) prepare(command.configureHelp(program.configureHelp()));
}

/** What other programs have: everybody on the machine could read it in the list of processes. */
const NO_TOKEN_FLAG =
  'there is no --token, because other users would see the token: put it in a file and give --token-file FILE, or set WSPROXY_TOKEN';

const LINE_AS_ARGUMENT =
  'other users would see the line, and the shell keeps it in its history: run wsproxy-client init alone, and paste the line';

function describe(program: Command, error: CommanderError): string | readonly string[] {
  // It has printed the help, since a command was missing.
  if (error.code === 'commander.help') return [];
  if (error.code === 'commander.unknownOption' && /'--token[='"]/.test(error.message)) return NO_TOKEN_FLAG;
  const [command, ...others] = program.args;
  const isLine = command === 'init' && others.some((argument) => /wss?:\/\/.*#/.test(argument));
  if (error.code === 'commander.excessArguments' && isLine) return LINE_AS_ARGUMENT;
  const text = (unknownCommand(program, error) ?? renamedOption(program, error) ?? error.message)
    .replace(/^error: |\.$/g, '')
    .replaceAll('\n', ' ');
  return `${text}; see ${nameOf(program)} --help`;
}

/** Of the command that was given, with what it is a command of. */
function nameOf(program: Command): string {
  const command = givenCommand(program);
  return command === undefined ? program.name() : `${program.name()} ${nameOf(command)}`;
}

function givenCommand({ args, commands }: Command): Command | undefined {
  return commands.find((command) => command.name() === args[0]);
}

/**
 * For a program whose arguments are no single words: one that is nearly a command is meant as one.
 * @throws ExitError (usage) that names the command
 */
export function checkNoCommand(program: Command, [given = '']: readonly string[]): void {
  const said = /^[\w-]+$/.test(given) ? misspelt(program, given) : undefined;
  if (said !== undefined) throw new ExitError(ExitCode.usage, `${said}; see ${program.name()} --help`);
}

/** A program that takes no arguments was given one: commander does not ask whether it is nearly a command. */
function unknownCommand(program: Command, { code }: CommanderError): string | undefined {
  const [given = ''] = program.args;
  if (code !== 'commander.excessArguments' || givenCommand(program) !== undefined) return undefined;
  return misspelt(program, given) ?? `there is no command '${given}', and no flag before it takes a value`;
}

function misspelt(program: Command, given: string): string | undefined {
  const names = program.commands.map((command) => command.name());
  const hint = didYouMean(given, names);
  return hint === '' ? undefined : `unknown command '${given}'${hint.replace(/^; d(.+)$/, ' (D$1)')}`;
}

/** An option was given by the name that it had before. */
function renamedOption(program: Command, { code, message }: CommanderError): string | undefined {
  const given = /'(--[^'=]+)/.exec(message)?.[1];
  if (code !== 'commander.unknownOption' || given === undefined) return undefined;
  const options: readonly (Option & { readonly rule?: OptionRule })[] = [program, ...program.commands].flatMap(
    (command) => command.options,
  );
  const hint = calledNow(
    given,
    options.map(({ long, rule }) => [long ?? '', rule]),
  );
  return hint === '' ? undefined : `there is no ${given}${hint}`;
}
