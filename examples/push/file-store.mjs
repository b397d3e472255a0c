import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';

/**
 * Keeps messages in a file, a line of JSON for each thing that happens; a process that is killed loses none. When the machine may lose
 * its power, call `fsync` after each write.
 */
export class FileStore {
  #path;
  #file;
  /** By user and stream: what is not finished. */
  #streams = new Map();

  constructor(path) {
    this.#path = path;
  }

  /** Reads what is left, and writes it anew, so that the file does not grow for ever. */
  load() {
    if (existsSync(this.#path)) this.#read(readFileSync(this.#path, 'utf8'));
    const left = [...this.#streams.values()];
    const lines = left.map((kept) => `${JSON.stringify({ ...kept, messages: kept.messages.map(encode) })}\n`);
    writeFileSync(`${this.#path}.new`, lines.join(''));
    renameSync(`${this.#path}.new`, this.#path);
    this.#file = openSync(this.#path, 'a');
    return left;
  }

  keep({ user, stream, epoch, number, data }) {
    this.#write({ user, stream, epoch, number, data: encode(data) });
  }

  finish(user, stream, finished) {
    this.#write({ user, stream, finished });
  }

  close() {
    closeSync(this.#file);
  }

  #write(line) {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  #read(lines) {
    // What stands behind the last line feed was not written to its end, so nobody was told that it is kept.
    for (const line of lines.split('\n').slice(0, -1)) this.#apply(JSON.parse(line));
  }

  #apply({ user, stream, epoch, finished, messages, number, data }) {
    const key = JSON.stringify([user, stream]);
    if (messages !== undefined) {
      this.#streams.set(key, { user, stream, epoch, finished, messages: messages.map(decode) });
    } else if (number !== undefined) {
      const kept = this.#streams.get(key) ?? { user, stream, epoch, finished: 0, messages: [] };
      this.#streams.set(key, kept);
      kept.messages.push(decode(data));
    } else {
      const kept = this.#streams.get(key);
      kept.messages.splice(0, finished - kept.finished);
      kept.finished = finished;
    }
  }
}

const encode = (data) => data.toString('base64');
const decode = (text) => Buffer.from(text, 'base64');
