import type { Readable } from 'node:stream';

/** Characters that are kept of one line, and of all that comes before the first line may be told. */
const MAX_KEPT = 65_536;
/** What is no line of a log: of Node when it gives up, and of a program that cannot start. */
const LAST = /^(?:FATAL ERROR: |wsproxy-server: |\w*Error(?: \[\w+\])?: )(.*)$/;

/**
 * What a worker writes to standard error: passed on in whole lines, so that those of several never mix. Until `release` it is
 * kept, since a worker that cannot start is told of in one place.
 */
export class LastWords {
  readonly #write: (lines: string, onTaken: () => void) => boolean;
  readonly #stream: Readable | null;
  #rest = '';
  #kept: string | undefined = '';
  #last: string | undefined;

  constructor(stream: Readable | null, write: (lines: string, onTaken: () => void) => boolean) {
    this.#stream = stream;
    this.#write = write;
    stream?.setEncoding('utf8').on('data', (text: string) => this.#onText(text));
    stream?.on('end', () => {
      if (this.#rest !== '') this.#onText('\n');
    });
    stream?.on('error', () => {});
  }

  /** The last reason it has given for its end. */
  get last(): string | undefined {
    return this.#last;
  }

  /** What it has written, as long as nothing was released. */
  get all(): string {
    return this.#kept ?? '';
  }

  /** From now on lines are passed on as they come. */
  release(): void {
    const kept = this.#kept ?? '';
    this.#kept = undefined;
    if (kept !== '') this.#pass(kept);
  }

  #onText(text: string): void {
    const end = text.lastIndexOf('\n') + 1;
    if (end === 0) {
      this.#rest = (this.#rest + text).slice(0, MAX_KEPT);
      return;
    }
    const lines = this.#rest + text.slice(0, end);
    this.#rest = text.slice(end);
    for (const line of lines.split('\n')) this.#last = LAST.exec(line)?.[1] ?? this.#last;
    if (this.#kept === undefined) this.#pass(lines);
    else this.#kept = (this.#kept + lines).slice(0, MAX_KEPT);
  }

  #pass(lines: string): void {
    // It waits in the worker then, which counts what it has to drop.
    const stream = this.#stream;
    if (!this.#write(lines, () => stream?.resume())) stream?.pause();
  }
}
