import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as tar from 'tar';
import { ZipFile } from 'yazl';

/** What a package holds, by its path in it. */
export type Files = ReadonlyMap<string, PackedFile>;

export interface PackedFile {
  readonly body: Buffer;
  readonly mode: number;
}

/** Writes files in one folder that is named as the archive is: a .zip, or a .tar.gz. The same files make the same bytes. */
export async function writeArchive(file: string, files: Files, date: Date): Promise<void> {
  const name = basename(file).replace(/\.(zip|tar\.gz)$/, '');
  if (file.endsWith('.zip')) await writeZip(file, name, files, date);
  else await writeTar(file, name, files, date);
}

async function writeZip(file: string, name: string, files: Files, date: Date): Promise<void> {
  const zip = new ZipFile();
  for (const [path, { body, mode }] of files)
    zip.addBuffer(body, `${name}/${path}`, { mtime: date, mode: 0o100_000 | mode, forceDosTimestamp: true });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(file));
}

async function writeTar(file: string, name: string, files: Files, date: Date): Promise<void> {
  const folder = `${file}.folder`;
  for (const [path, { body, mode }] of files) {
    mkdirSync(join(folder, name, path, '..'), { recursive: true });
    writeFileSync(join(folder, name, path), body, { mode });
  }
  const paths = [...files.keys()].map((path) => `${name}/${path}`);
  await tar.create({ file, cwd: folder, gzip: true, portable: true, mtime: date }, paths);
  rmSync(folder, { recursive: true });
}

export function textFile(text: string): PackedFile {
  return { body: Buffer.from(text), mode: 0o644 };
}

export function fileOf(path: string, mode = 0o644): PackedFile {
  return { body: readFileSync(path), mode };
}
