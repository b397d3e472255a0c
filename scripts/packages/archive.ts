import { createWriteStream, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Header } from 'tar';
import { ZipFile } from 'yazl';

/** What a package holds, by its path in it. A path that ends with a slash is a folder. */
export type Files = ReadonlyMap<string, PackedFile>;

export interface PackedFile {
  readonly body: Buffer;
  readonly mode: number;
}

/** Writes files in one folder that is named as the archive is: a .zip, or a .tar.gz. The same files make the same bytes. */
export async function writeArchive(file: string, files: Files, date: Date): Promise<void> {
  const name = basename(file).replace(/\.(zip|tar\.gz)$/, '');
  const named = new Map([...files].map(([path, packed]) => [`${name}/${path}`, packed]));
  if (file.endsWith('.zip')) await pipeline(zipOf(named, date), createWriteStream(file));
  else await pipeline(Readable.from(tarOf(named, date)), createGzip(), createWriteStream(file));
}

function zipOf(files: Files, date: Date): NodeJS.ReadableStream {
  const zip = new ZipFile();
  for (const [path, { body, mode }] of files)
    zip.addBuffer(body, path, { mtime: date, mode: 0o100_000 | mode, forceDosTimestamp: true });
  zip.end();
  return zip.outputStream;
}

/**
 * A tar of files and of the folders that they are in, all of root. Modes are as the files tell them: what writes from a disk
 * would take those of the disk, and so the builder's umask.
 */
export function* tarOf(files: Files, date: Date): Generator<Buffer> {
  for (const [path, { body, mode }] of withFolders(files)) {
    const type = path.endsWith('/') ? 'Directory' : 'File';
    const header = new Header({ path, mode, type, size: body.length, uid: 0, gid: 0, mtime: date });
    if (header.encode() || header.block === undefined) throw new Error(`${path}: too long for the header of a tar`);
    yield header.block;
    yield body;
    yield Buffer.alloc(-body.length & (BLOCK - 1));
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** Of a tar, bytes. */
const BLOCK = 512;

/** Each folder before what is in it. */
export function withFolders(files: Files): Files {
  const all = new Map<string, PackedFile>();
  for (const [path, file] of files) {
    for (const { index } of path.slice(0, -1).matchAll(/\//g)) {
      const folder = path.slice(0, index + 1);
      if (!all.has(folder)) all.set(folder, files.get(folder) ?? folderOf(0o755));
    }
    all.set(path, file);
  }
  return all;
}

export function folderOf(mode: number): PackedFile {
  return { body: Buffer.alloc(0), mode };
}

export function textFile(text: string): PackedFile {
  return { body: Buffer.from(text), mode: 0o644 };
}

export function fileOf(path: string, mode = 0o644): PackedFile {
  return { body: readFileSync(path), mode };
}
