import { fileURLToPath } from 'node:url';
import { type Ended, Program, type ProgramOptions, run } from './program.js';

/** The two programs as users run them; `npm test` has built them before. */
export type ProgramName = 'wsproxy-client' | 'wsproxy-server';

/** Long enough for both ends, and easy to find in places where it must not be. */
export const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';

export interface CommandOptions extends Omit<ProgramOptions, 'env'> {
  /** WSPROXY_TOKEN; `null` for none. */
  readonly token?: string | null;
  readonly env?: Readonly<Record<string, string>>;
  /** A program and its arguments that becomes this one, such as `prlimit --nofile=64`. */
  readonly within?: readonly string[];
}

/** What Node runs. */
export function scriptOf(name: ProgramName): string {
  return fileURLToPath(new URL(`../../../packages/${name.slice('wsproxy-'.length)}/bin/${name}.js`, import.meta.url));
}

/** One of the programs as a line for a shell; the token must be in its environment. */
export function shellLine(name: ProgramName, args: readonly string[]): string {
  return [process.execPath, scriptOf(name), ...args].map((word) => `'${word}'`).join(' ');
}

function prepare({ token = TOKEN, env = {}, within: _, ...rest }: CommandOptions): ProgramOptions {
  return { ...rest, env: token === null ? env : { WSPROXY_TOKEN: token, ...env } };
}

/** Starts one of the programs without waiting for anything. */
export function launch(name: ProgramName, args: readonly string[], options: CommandOptions = {}): Program {
  const [command = '', ...words] = [...(options.within ?? []), process.execPath, scriptOf(name), ...args];
  return new Program(command, words, prepare(options));
}

/** Runs one of the programs to its end. */
export function runCommand(
  name: ProgramName,
  args: readonly string[],
  options: CommandOptions & { readonly timeout?: number } = {},
): Promise<Ended> {
  const { timeout = 15_000, ...rest } = options;
  return run(process.execPath, [scriptOf(name), ...args], { ...prepare(rest), timeout });
}

/** One of the programs, listening. */
export interface Listening {
  readonly program: Program;
  readonly port: number;
}

/**
 * Starts one of the programs on a free port of 127.0.0.1, or on `host` and `port`, and waits until it says that it is ready;
 * a client, until it is connected too.
 */
export async function start(
  name: ProgramName,
  args: readonly string[],
  options: CommandOptions & { readonly host?: string; readonly port?: number } = {},
): Promise<Listening> {
  const { host = '127.0.0.1', port = 0, ...rest } = options;
  const program = launch(name, [...args, '--listen', `${host}:${port}`, '--log-format', 'json'], rest);
  const listening = { program, port: await readyPort(program) };
  if (name === 'wsproxy-client') await program.untilStderr(/"connected to the server"/);
  return listening;
}

/** The port that a program logs with `--log-format json` when it is ready. */
export async function readyPort(program: Program): Promise<number> {
  return Number(await program.untilStderr(/"listen":"[^"]*:(\d+)"[^\n]*"ready"/));
}
