import { type FileHandle, open } from 'node:fs/promises';
import { lockFile } from './lock-file.js';

/**
 * A file with an HTTP archive (HAR 1.2) that is whole after each write: entries are written over the end of the archive, together
 * with a new end. A program that is killed leaves what was written. A file that is there already is continued.
 */
export class HarFile {
  readonly #handle: FileHandle;
  readonly #unlock: () => void;
  /** Where what stays ends. */
  #end: number;
  /** Of the file. */
  #length: number;
  #isEmpty: boolean;

  private constructor({ handle, unlock }: Opened, end: number, isEmpty: boolean) {
    this.#handle = handle;
    this.#unlock = unlock;
    this.#end = end;
    this.#length = end + END.length;
    this.#isEmpty = isEmpty;
  }

  /** @throws Error when the file cannot be opened, is something else, or another one writes to it; it is left as it was. */
  static async open(path: string, creator: Creator): Promise<HarFile> {
    const unlock = lockFile(path);
    let handle: FileHandle | undefined;
    try {
      handle = await openOrCreate(path);
      const { size } = await handle.stat();
      if (size > 0) return await HarFile.#continue({ handle, unlock }, size);
      const file = new HarFile({ handle, unlock }, 0, true);
      await file.#write(`${BEGINNING},"creator":${JSON.stringify(creator)},"entries":[`, '');
      return file;
    } catch (error) {
      unlock();
      await handle?.close();
      throw error;
    }
  }

  static async #continue(opened: Opened, size: number): Promise<HarFile> {
    const { handle } = opened;
    const [first, last] = [
      await read(handle, 0, BEGINNING.length),
      await read(handle, size - END.length - 1, END.length + 1),
    ];
    if (first !== BEGINNING || last.slice(1) !== END) {
      throw new Error('the file is there, and is no archive that was written here; choose another name');
    }
    return new HarFile(opened, size - END.length, last.startsWith('['));
  }

  /**
   * `entries` stay; those that are `passing` are replaced by the next write. Both are JSON. Rejects when it cannot be written; the
   * archive then has what stayed before. One at a time.
   */
  async write(entries: readonly string[], passing: readonly string[] = []): Promise<void> {
    const all = [...entries, ...passing].map((entry, n) => `${this.#isEmpty && n === 0 ? '' : ','}\n${entry}`);
    await this.#write(all.slice(0, entries.length).join(''), all.slice(entries.length).join(''));
    this.#isEmpty &&= entries.length === 0;
  }

  async close(): Promise<void> {
    await this.#handle.close();
    this.#unlock();
  }

  async #write(staying: string, passing: string): Promise<void> {
    const bytes = Buffer.from(staying + passing + END);
    // Nobody may find a rest of what stood there behind the end: one write covers it, until it is cut off.
    const rest = Buffer.alloc(Math.max(0, this.#length - this.#end - bytes.length), ' ');
    try {
      await writeAll(this.#handle, Buffer.concat([bytes, rest]), this.#end);
      this.#length = this.#end + bytes.length;
      if (rest.length > 0) await this.#handle.truncate(this.#length);
      this.#end += Buffer.byteLength(staying);
    } catch (error) {
      await this.#restore().catch(() => undefined);
      throw error;
    }
  }

  /** A disk that is full has room for what was there. */
  async #restore(): Promise<void> {
    await this.#handle.truncate(this.#end);
    await writeAll(this.#handle, Buffer.from(END), this.#end);
    this.#length = this.#end + END.length;
  }
}

interface Opened {
  readonly handle: FileHandle;
  readonly unlock: () => void;
}

/** The program that writes it. */
export interface Creator {
  readonly name: string;
  readonly version: string;
}

const BEGINNING = '{"log":{"version":"1.2"';
const END = '\n]}}\n';
/** What passes may be secret: of the user alone. */
const MODE = 0o600;

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx+', MODE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return open(path, 'r+');
  }
}

async function read(handle: FileHandle, from: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, Math.max(0, from));
  return buffer.toString('latin1', 0, bytesRead);
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
