import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';

/** What happened in a run, one line of JSON each, for anyone who wants to know more than the report says. */
export class History {
  readonly file: string;
  readonly #descriptor: number;
  readonly #start = performance.now();

  constructor(folder: string, name: string) {
    this.file = join(folder, `${name}.jsonl`);
    this.#descriptor = openSync(this.file, 'w', 0o600);
    atEnd(() => closeSync(this.#descriptor));
  }

  /** `at` is ms since the beginning. */
  note(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const at = Math.round((performance.now() - this.#start) * 10) / 10;
    writeSync(this.#descriptor, `${JSON.stringify({ at, event, ...fields })}\n`);
  }
}
