import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CommandOptions, type ProgramName, start } from 'wsproxy-test-support/programs/command-line';
import type { Program } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const PROBE = new URL('../../support/programs/probe.mjs', import.meta.url);
/** A busy process answers late, ms. */
const ANSWER_IN = 60_000;

/** What a process holds. */
export interface Holdings {
  readonly descriptors: number;
  readonly timers: number;
  /** How long each of the timers waits, ms. */
  readonly waits: readonly number[];
  /** Bytes in objects and buffers, garbage collected. */
  readonly heap: number;
}

interface Answer {
  readonly timers: number;
  readonly waits: readonly number[];
  readonly heap: number;
}

export interface EndOptions extends CommandOptions {
  readonly host?: string;
  readonly port?: number;
}

/** One of the two programs, seen from outside. What it has of Linux alone, others lack: it is NaN there. */
export class End {
  readonly program: Program;
  readonly port: number;
  readonly #probe: string;
  #welcomes = 0;
  #lastWelcome = 0;
  #rest = '';

  private constructor(program: Program, port: number, probe: string) {
    this.program = program;
    this.port = port;
    this.#probe = probe;
    this.#count(program.stderr);
    program.child.stderr?.on('data', (text: string) => this.#count(text));
  }

  static async start(name: ProgramName, args: readonly string[], options: EndOptions = {}): Promise<End> {
    const probe = join(temporaryFolder(), 'probe');
    const env = {
      WSPROXY_PROBE: probe,
      NODE_OPTIONS: `--import=${pathToFileURL(PROBE.pathname).href}`,
      ...options.env,
    };
    const { program, port } = await start(name, args, { ...options, env });
    return new End(program, port, probe);
  }

  /** How often this client has got a way to its server. */
  get welcomes(): number {
    return this.#welcomes;
  }

  /** When that was for the last time. */
  get lastWelcome(): number {
    return this.#lastWelcome;
  }

  get pid(): number {
    return this.program.pid;
  }

  get isAlive(): boolean {
    return this.program.child.exitCode === null && this.program.child.signalCode === null;
  }

  /** Resident memory now and at most since the last `forgetPeak`, bytes. */
  get memory(): { now: number; peak: number } {
    const status = this.#read('status');
    const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) * 1024;
    return { now: field('VmRSS'), peak: field('VmHWM') };
  }

  forgetPeak(): void {
    if (process.platform === 'linux') writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
  }

  /** Seconds of processor time so far. */
  get processorTime(): number {
    const fields = this.#read('stat').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  get descriptors(): number {
    return process.platform === 'linux' ? readdirSync(`/proc/${this.pid}/fd`).length : Number.NaN;
  }

  async holdings(): Promise<Holdings> {
    const { timers, waits, heap } = await this.#ask(0);
    return { descriptors: this.descriptors, timers, waits, heap };
  }

  /** Sets the time of day so far ahead of the right one, or behind it, ms. */
  async setClock(shift: number): Promise<void> {
    await this.#ask(shift);
  }

  async #ask(shift: number): Promise<Answer> {
    const answerFile = `${this.#probe}.answer`;
    rmSync(answerFile, { force: true });
    writeFileSync(this.#probe, JSON.stringify({ shift }));
    this.program.signal('SIGUSR2');
    await until('the process tells about itself', () => existsSync(answerFile), ANSWER_IN);
    return JSON.parse(readFileSync(answerFile, 'utf8'));
  }

  #count(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const welcomes = lines.filter((line) => line.includes('"connected to the server"')).length;
    this.#welcomes += welcomes;
    if (welcomes > 0) this.#lastWelcome = performance.now();
  }

  #read(name: string): string {
    return process.platform === 'linux' ? readFileSync(`/proc/${this.pid}/${name}`, 'utf8') : '';
  }
}
