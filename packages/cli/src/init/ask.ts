import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { ExitCode, ExitError } from '../exit-code.js';
import { say } from '../language/index.js';

/** Asks the user at a terminal; anyone who closes it, or presses Ctrl-C or Ctrl-D, ends the program. */
export interface Asker {
  /** Asks until `parse` takes the answer. An empty answer is `fallback`, if there is one. */
  ask<T>(question: Question<T>): Promise<T>;
  /** The same, and shows nothing of what is typed. What is pasted with line breaks in it is one answer. */
  askSecret<T>(question: Question<T>): Promise<T>;
  close(): void;
}

export interface Question<T> {
  readonly text: string;
  readonly fallback?: string;
  /** @throws Error that says what is expected */
  readonly parse: (answer: string) => T;
}

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

export function askAtTerminal(terminal: Terminal): Asker {
  return new TerminalAsker(terminal);
}

class TerminalAsker implements Asker {
  readonly #output: NodeJS.WritableStream;
  readonly #lines: Interface;
  readonly #isOver: Promise<never>;
  /** Typed before anybody has asked. */
  readonly #typed: string[] = [];
  #take: ((line: string) => void) | undefined;
  #isHidden = false;

  constructor({ input, output }: Terminal) {
    this.#output = output;
    const shown = new Writable({
      write: (chunk, _encoding, done) => {
        if (!this.#isHidden) output.write(chunk);
        done();
      },
    });
    this.#lines = createInterface({ input, output: shown, terminal: true });
    this.#lines.on('line', (line) => {
      if (this.#take === undefined) this.#typed.push(line);
      else this.#take(line);
    });
    this.#isOver = new Promise((_resolve, reject) => {
      const giveUp = (): void => {
        output.write('\n');
        reject(new ExitError(ExitCode.failed, 'stopped: nothing was written'));
      };
      this.#lines.once('SIGINT', giveUp).once('close', giveUp);
    });
    // It is told by the question that is open then.
    this.#isOver.catch(() => {});
  }

  ask<T>(question: Question<T>): Promise<T> {
    return this.#ask(question, false);
  }

  askSecret<T>(question: Question<T>): Promise<T> {
    return this.#ask(question, true);
  }

  close(): void {
    this.#lines.removeAllListeners('close').close();
  }

  async #ask<T>({ text, fallback, parse }: Question<T>, isSecret: boolean): Promise<T> {
    for (;;) {
      const shown = fallback === undefined || fallback === '' ? `${say(text)}: ` : `${say(text)} [${fallback}]: `;
      const answer = await Promise.race([this.#read(shown, isSecret), this.#isOver]);
      try {
        return parse(answer === '' ? (fallback ?? '') : answer);
      } catch (error) {
        this.#output.write(`  ${say((error as Error).message)}\n`);
      }
    }
  }

  async #read(shown: string, isSecret: boolean): Promise<string> {
    if (isSecret) this.#output.write(shown);
    this.#isHidden = isSecret;
    this.#lines.setPrompt(isSecret ? '' : shown);
    this.#lines.prompt();
    let answer = await this.#nextLine();
    while (isSecret && (await this.#hasMore())) answer += `\n${await this.#nextLine()}`;
    this.#isHidden = false;
    if (isSecret) this.#output.write('\n');
    return answer.trim();
  }

  /** Whether what came with the last line goes on: people type slower. */
  async #hasMore(): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#typed.length > 0 || this.#lines.line !== '';
  }

  #nextLine(): Promise<string> {
    const typed = this.#typed.shift();
    if (typed !== undefined) return Promise.resolve(typed);
    return new Promise((resolve) => {
      this.#take = (line) => {
        this.#take = undefined;
        resolve(line);
      };
    });
  }
}
