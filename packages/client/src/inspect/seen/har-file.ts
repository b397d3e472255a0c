import { type FileHandle, open } from 'node:fs/promises';

/**
 * A file with an HTTP archive (HAR 1.2) that is whole after each entry: each is written over the end of the archive, together with
 * a new end. A program that is killed leaves what was written. A file that is there already is continued.
 */
export class HarFile {
  readonly #handle: FileHandle;
  /** Where the end of the archive begins. */
  #end: number;
  #isEmpty: boolean;

  private constructor(handle: FileHandle, end: number, isEmpty: boolean) {
    this.#handle = handle;
    this.#end = end;
    this.#isEmpty = isEmpty;
  }

  /** @throws Error when the file cannot be opened, or is something else; it is left as it was. */
  static async open(path: string, creator: Creator): Promise<HarFile> {
    const handle = await openOrCreate(path);
    try {
      const { size } = await handle.stat();
      if (size > 0) return await HarFile.#continue(handle, size);
      const file = new HarFile(handle, 0, true);
      await file.#write(`${BEGINNING},"creator":${JSON.stringify(creator)},"entries":[`);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  static async #continue(handle: FileHandle, size: number): Promise<HarFile> {
    const [first, last] = [
      await read(handle, 0, BEGINNING.length),
      await read(handle, size - END.length - 1, END.length + 1),
    ];
    if (first !== BEGINNING || last.slice(1) !== END) {
      throw new Error('the file is there, and is no archive that was written here');
    }
    return new HarFile(handle, size - END.length, last.startsWith('['));
  }

  /** Rejects when it cannot be written; the archive is left without it. One at a time. */
  async add(entry: object): Promise<void> {
    await this.#write(`${this.#isEmpty ? '' : ','}\n${JSON.stringify(entry)}`);
    this.#isEmpty = false;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #write(text: string): Promise<void> {
    const bytes = Buffer.from(text + END);
    try {
      await writeAll(this.#handle, bytes, this.#end);
      this.#end += bytes.length - END.length;
    } catch (error) {
      await this.#restore().catch(() => undefined);
      throw error;
    }
  }

  /** A disk that is full has room for what was there. */
  async #restore(): Promise<void> {
    await this.#handle.truncate(this.#end);
    await writeAll(this.#handle, Buffer.from(END), this.#end);
  }
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
