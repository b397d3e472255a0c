import { type ChildProcess, spawn } from 'node:child_process';
import type { Stream } from 'node:stream';
import { atEnd } from '../cleanup/at-end.js';
import { until } from '../until.js';

export interface ProgramOptions {
  /** Added to a nearly empty environment: no proxy settings or certificates of the machine count. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard input, or `open` for the test to write; without it the program sees the end of its input at once. */
  readonly input?: 'open' | Buffer | (string & {});
  /** In place of a pipe that is read: a file descriptor, a stream, or a pipe for the test to treat as it likes. */
  readonly stderr?: number | Stream | 'unread';
  /** Further descriptors, from 3 on. */
  readonly inherit?: readonly number[];
  /** In a process group of its own, so that a signal can go to the whole group. */
  readonly detached?: boolean;
}

/** How a program ended, and what it had written. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<Program>();

// Anything that ends this process, what it has started does not go on without it.
process.once('exit', () => {
  for (const { child } of running) child.kill('SIGKILL');
});

/** Programs that were started and have not ended. */
export function livePrograms(): number {
  return running.size;
}

/** A real program as a child process, ended with the test at the latest. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';

  constructor(command: string, args: readonly string[], options: ProgramOptions = {}) {
    const { env = {}, cwd, input, stderr = 'pipe', inherit = [], detached = false } = options;
    const { PATH = '', HOME = '' } = process.env;
    this.child = spawn(command, args, {
      env: { PATH, HOME, LANG: 'C.UTF-8', ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', stderr === 'unread' ? 'pipe' : stderr, ...inherit],
      detached,
      ...(cwd !== undefined && { cwd }),
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    if (stderr === 'pipe') {
      this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.#stderr += text;
      });
    }
    // A program that ends before it has read its input is no error of the test.
    this.child.stdin?.on('error', () => {});
    if (input !== 'open') this.child.stdin?.end(input);
    this.ended = this.#watch();
    running.add(this);
    atEnd(() => this.#kill());
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the program was not started');
    return this.child.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves once standard error has a match, and gives its first group, or the match itself. */
  untilStderr(pattern: RegExp, deadline: number = 10_000): Promise<string> {
    return this.#untilMatch(() => this.#stderr, pattern, deadline);
  }

  /** The same for standard output. */
  untilStdout(pattern: RegExp, deadline: number = 10_000): Promise<string> {
    return this.#untilMatch(() => this.#stdout, pattern, deadline);
  }

  async #untilMatch(read: () => string, pattern: RegExp, deadline: number): Promise<string> {
    const over = () => this.child.exitCode !== null || this.child.signalCode !== null;
    await until(`the output matches ${pattern}`, () => pattern.test(read()) || over(), deadline);
    const match = pattern.exec(read());
    if (match === null) throw new Error(`ended without ${pattern}; output: ${this.#stdout}${this.#stderr}`);
    return match[1] ?? match[0];
  }

  #watch(): Promise<Ended> {
    return new Promise((resolve, reject) => {
      this.child.once('error', (error) => {
        running.delete(this);
        reject(error);
      });
      this.child.once('close', (code, signal) => {
        running.delete(this);
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  async #kill(): Promise<void> {
    if (!running.has(this)) return;
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** Runs a program to its end; rejects when it takes more than `timeout` ms. */
export async function run(
  command: string,
  args: readonly string[],
  options: ProgramOptions & { readonly timeout?: number } = {},
): Promise<Ended> {
  const { timeout = 30_000, ...rest } = options;
  const program = new Program(command, args, rest);
  const timer = setTimeout(() => program.signal('SIGKILL'), timeout);
  try {
    const ended = await program.ended;
    if (ended.signal !== 'SIGKILL') return ended;
    throw new Error(`${command} ${args.join(' ')} took more than ${timeout} ms; standard error: ${ended.stderr}`);
  } finally {
    clearTimeout(timer);
  }
}
