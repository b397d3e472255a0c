import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface ShellCommand {
  /** For the shell. */
  readonly command: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Is told the first lines that the command writes to standard error. */
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
 * The first line that a command prints, without the white space around it, once it has ended with success. It gets no input.
 * What it has started ends with it, and so does it with this process. Rejects with CommandError.
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
    let failure: CommandError | undefined;
    let isOver = false;
    const stopNow = (): void => killGroup(child);
    const stop = (why: string): void => {
      failure ??= new CommandError(why);
      stopNow();
    };
    const timer = setTimeout(stop, timeout, `took more than ${timeout / 1000} s`);
    process.once('exit', stopNow);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (output.length + text.length > MAX_OUTPUT) stop(`printed more than ${MAX_OUTPUT} characters`);
      else output += text;
    });
    const tellLast = tellLines(child.stderr, tell);
    const settle = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      process.off('exit', stopNow);
      stopNow();
      tellLast();
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
      // What it has started may keep its output open for ever.
      setTimeout(settle, LATE_OUTPUT).unref();
    });
  });
}

/** Tells the first lines of `stream`, each in part if it is long, and drops the rest; returns how to tell the last one. */
function tellLines(stream: Readable, tell: (text: string) => void): () => void {
  let rest = '';
  let left = MAX_TOLD;
  stream.setEncoding('utf8').on('data', (text: string) => {
    if (left === 0) return;
    const lines = `${rest}${text}`.split(/\r?\n/, left + 1);
    // The line that has no end yet, or the first of those that are not told.
    rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) tell(line.slice(0, MAX_LINE));
    left -= lines.length;
  });
  return () => {
    if (left > 0 && rest !== '') tell(rest);
  };
}

function failureOf(code: number | null, signal: string | null): CommandError | undefined {
  if (signal !== null) return new CommandError(`was ended by ${signal}`);
  // What a shell says (POSIX, 2.8.2).
  if (code === 126 || code === 127) return new CommandError(`cannot be run (exit code ${code}): check it`, true);
  return code === 0 ? undefined : new CommandError(`failed with exit code ${code}`);
}

/** What leaves the group, such as a daemon that begins a session of its own, goes on. */
function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    // Once the shell has ended, nobody knows what it has started, and its number may be that of another.
    if (exitCode !== null || signalCode !== null) return;
    // By `kill` the shell alone would end.
    spawnSync('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore', windowsHide: true });
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended by itself.
  }
}

/** Somebody may have to touch a key, ms. */
const TIMEOUT = 30_000;
/** Characters. */
const MAX_OUTPUT = 65_536;
/** Lines of one run. */
const MAX_TOLD = 20;
/** Characters. */
const MAX_LINE = 1_024;
/** What the command has written arrives within this time of its end, ms. */
const LATE_OUTPUT = 500;
