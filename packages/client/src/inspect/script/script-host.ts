import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { execPath } from 'node:process';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Clock, Logger, Timer } from 'wsproxy-engine';
import {
  type Call,
  type Failure,
  type FromThread,
  type Hook,
  type MessageVerdict,
  TOO_LATE,
  type ToThread,
  type Verdict,
} from './calls.js';
import { passLines } from './pass-lines.js';
import { threadUrl } from './thread-url.js';

/**
 * A script in a thread of its own: a call that takes too long is left to itself, and a thread that does not come back is ended.
 * Then, as always when something fails, everything passes unchanged.
 */
export class ScriptHost {
  readonly #path: string;
  readonly #worker: Worker;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #hooks: ReadonlySet<Hook> = new Set();
  readonly #calls = new Map<number, Waiting>();
  #number = 0;
  #lookingForLife: Timer | undefined;
  readonly #told = new Set<string>();
  #hasEnded = false;

  private constructor(path: string, logger: Logger, clock: Clock) {
    this.#path = path;
    this.#logger = logger;
    this.#clock = clock;
    const script = pathToFileURL(path).href;
    const resourceLimits = { maxOldGenerationSizeMb: MOST_MEMORY };
    this.#worker = new Worker(threadUrl(), { workerData: { script }, stdout: true, stderr: true, resourceLimits });
    this.#worker.unref();
    // Standard output of the client may carry a connection.
    for (const output of [this.#worker.stdout, this.#worker.stderr]) {
      passLines(output, clock, (text) => logger.info({ text }, 'the script says'));
    }
  }

  /**
   * Resolves when the module is loaded.
   * @throws Error in one line when it cannot be used
   */
  static async start(file: string, { logger, clock }: { logger: Logger; clock: Clock }): Promise<ScriptHost> {
    const path = resolve(file);
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) throw new Error(`there is no file ${path}`);
    const host = new ScriptHost(path, logger, clock);
    try {
      await host.#load();
    } catch (error) {
      await host.close();
      throw error;
    }
    return host;
  }

  has(hook: Hook): boolean {
    return this.#hooks.has(hook) && !this.#hasEnded;
  }

  /**
   * What the script makes of it; undefined where it changes nothing. `readBody` is called when it asks for the body, and rejects
   * with why there is none.
   */
  call(call: Call, readBody?: () => Promise<Uint8Array>): Promise<Verdict | MessageVerdict> {
    if (!this.has(call.hook)) return Promise.resolve(undefined);
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve) => {
      const settle = (verdict: Verdict | MessageVerdict): void => {
        timer.cancel();
        this.#calls.delete(number);
        resolve(verdict);
      };
      const timer = this.#clock.setTimer(() => {
        settle(undefined);
        this.#tell(call.hook, { reason: `it takes longer than ${PATIENCE / 1_000} s`, at: undefined });
        this.#lookForLife(call.hook);
      }, PATIENCE);
      this.#calls.set(number, { hook: call.hook, settle, readBody });
      this.#post({ kind: 'call', number, call });
    });
  }

  /** Tells, once, what the script was not asked about. */
  note(where: Hook, reason: string): void {
    this.#tell(where, { reason, at: undefined });
  }

  async close(): Promise<void> {
    this.#end();
    await this.#worker.terminate();
  }

  #load(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(
        () => reject(new Error(`${this.#path} is not loaded after ${LOAD_PATIENCE / 1_000} s`)),
        LOAD_PATIENCE,
      );
      this.#worker.ref();
      this.#worker.on('message', (message: FromThread | null | undefined) => {
        // The script may send something of its own.
        if (message === null || message === undefined) return;
        this.#lookingForLife?.cancel();
        this.#lookingForLife = undefined;
        if (message.kind === 'loaded') {
          timer.cancel();
          this.#worker.unref();
          this.#hooks = new Set(message.hooks);
          resolve();
        } else if (message.kind === 'unusable') {
          this.#worker.off('exit', onExit);
          void this.#unusable(message).then(reject);
        } else this.#receive(message);
      });
      this.#worker.once('error', (error: Error) => {
        reject(new Error(`${this.#path}: ${error.message}`));
        this.#tellEnd(error.message);
      });
      const onExit = (): void => {
        reject(new Error(`${this.#path} has ended while it was loaded`));
        this.#tellEnd('it has called process.exit');
      };
      this.#worker.once('exit', onExit);
    });
  }

  async #unusable({ reason, at }: Failure): Promise<Error> {
    const place = at ?? (await placeOfMistake(this.#path)) ?? this.#path;
    return new Error(reason.includes(place) ? reason : `${place}: ${reason}`);
  }

  #receive(message: Exclude<FromThread, { kind: 'loaded' | 'unusable' }>): void {
    if (message.kind === 'pong') return;
    if (message.kind === 'stray') return this.#tell('the script', message);
    const { number } = message;
    const waiting = this.#calls.get(number);
    if (waiting === undefined) {
      if (message.kind === 'wants body') this.#post({ kind: 'body', number, body: TOO_LATE });
      return;
    }
    if (message.kind === 'verdict') return waiting.settle(message.verdict);
    if (message.kind === 'failed') {
      waiting.settle(undefined);
      return this.#tell(waiting.hook, message);
    }
    waiting.readBody?.().then(
      (body) => this.#post({ kind: 'body', number, body }),
      (error: Error) => this.#post({ kind: 'body', number, body: error.message }),
    );
  }

  /** A call is late: the others may do well all the same. */
  #lookForLife(hook: Hook): void {
    if (this.#lookingForLife !== undefined || this.#hasEnded) return;
    this.#post({ kind: 'ping' });
    this.#lookingForLife = this.#clock.setTimer(() => {
      this.#tellEnd(`${hook} does not come back`);
      void this.close();
    }, PING_PATIENCE);
  }

  #tell(where: string, { reason, at }: Failure): void {
    const key = `${where} ${at ?? reason}`;
    if (this.#told.has(key) || this.#told.size >= MOST_TOLD) return;
    this.#told.add(key);
    const script = at ?? this.#path;
    this.#logger.warn({ script, in: where, reason }, 'the script has failed: what it was about passes unchanged');
  }

  #tellEnd(reason: string): void {
    if (this.#hasEnded || this.#hooks.size === 0) return;
    this.#end();
    this.#logger.error({ script: this.#path, reason }, 'the script has ended: everything passes unchanged');
  }

  #end(): void {
    this.#hasEnded = true;
    this.#lookingForLife?.cancel();
    for (const { settle } of [...this.#calls.values()]) settle(undefined);
  }

  #post(message: ToThread): void {
    if (!this.#hasEnded) this.#worker.postMessage(message);
  }
}

interface Waiting {
  readonly hook: Hook;
  readonly settle: (verdict: Verdict | MessageVerdict) => void;
  readonly readBody: (() => Promise<Uint8Array>) | undefined;
}

/** ms. */
const PATIENCE = 5_000;
const LOAD_PATIENCE = 10_000;
const PING_PATIENCE = 1_000;
const MOST_TOLD = 100;
/** Of its objects, MiB. */
const MOST_MEMORY = 512;

/** Node tells of a mistake of syntax where it is only on the command line. */
function placeOfMistake(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(execPath, ['--check', path], { timeout: LOAD_PATIENCE }, (_error, _stdout, stderr) => {
      // Where it cannot read the file, it names a line of its own.
      const [, line] = /^(?!node:)[^\n]*:(\d+)\n/.exec(stderr) ?? [];
      resolve(line === undefined ? undefined : `${path}:${line}`);
    });
  });
}
