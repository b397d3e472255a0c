import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ShellCommand {
  /** For the shell. */
  readonly command: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Is told each line that the command writes to standard error. */
  readonly tell: (text: string) => void;
  /** How long it may take, ms. */
  readonly timeout?: number;
}

/** Why a command has printed nothing that counts: `failed with exit code 1`. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** There is no such command: to run it again is of no use. */
  readonly isMissing: boolean;

  constructor(message: string, isMissing = false) {
    super(message);
    this.isMissing = isMissing;
  }
}

/**
 * The first line that a command prints, without the white space around it, once it has ended with success. It gets no input,
 * and ends with this process at the latest. Rejects with CommandError.
 */
export function firstLineOf({ command, env, tell, timeout = TIMEOUT }: ShellCommand): Promise<string> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that what the shell has started ends with it.
    const child = spawn(command, {
      shell: true,
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    let output = '';
    let told = 0;
    let failure: CommandError | undefined;
    const stop = (why: string): void => {
      failure ??= new CommandError(why);
      killGroup(child);
    };
    const stopNow = (): void => killGroup(child);
    const timer = setTimeout(stop, timeout, `took more than ${timeout / 1000} s`);
    process.once('exit', stopNow);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (output.length + text.length > MAX_OUTPUT) stop(`printed more than ${MAX_OUTPUT} characters`);
      else output += text;
    });
    createInterface({ input: child.stderr }).on('line', (text) => {
      told += 1;
      if (told <= MAX_TOLD) tell(text);
    });
    const settle = (): void => {
      clearTimeout(timer);
      process.off('exit', stopNow);
      child.stdout.destroy();
      child.stderr.destroy();
      if (failure !== undefined) return reject(failure);
      const [line = ''] = output.replace(/^\ufeff/, '').split(/\r?\n/, 1);
      resolve(line.trim());
    };
    child.once('error', ({ message }) => {
      failure ??= new CommandError(`cannot be run: ${message}`);
      settle();
    });
    child.once('close', settle);
    child.once('exit', (code, signal) => {
      failure ??= failureOf(code, signal);
      // A daemon that it has started may keep its output open for ever.
      setTimeout(settle, DAEMON_TIME).unref();
    });
  });
}

function failureOf(code: number | null, signal: string | null): CommandError | undefined {
  if (signal !== null) return new CommandError(`was ended by ${signal}`);
  // What a shell says (POSIX, 2.8.2).
  if (code === 126 || code === 127) return new CommandError(`cannot be run (exit code ${code}): check it`, true);
  return code === 0 ? undefined : new CommandError(`failed with exit code ${code}`);
}

function killGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill();
    else process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Somebody may have to touch a key, ms. */
const TIMEOUT = 30_000;
/** Characters. */
const MAX_OUTPUT = 65_536;
/** Lines of one run. */
const MAX_TOLD = 20;
/** What the command has written arrives within this time of its end, ms. */
const DAEMON_TIME = 500;
