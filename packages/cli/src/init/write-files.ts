import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { escapeText } from '../escape-text.js';
import { ExitCode, ExitError } from '../exit-code.js';
import { say } from '../language/index.js';

/** A file that a command is to write. */
export interface PlannedFile {
  readonly path: string;
  readonly text: string;
  /** For people, in a few words: what it is. */
  readonly what: string;
  readonly mode: number;
  /** The group that it is to have; default: that of the process. */
  readonly gid?: number | undefined;
  /** Of the folder, if it must be made; default 0o755. */
  readonly folderMode?: number;
  /** What may stand there now and be replaced without asking, besides the same text. */
  readonly replaces?: (former: string) => boolean;
}

/** What becomes of each file, one line for each. */
export function describeFiles(files: readonly PlannedFile[]): string {
  const width = Math.max(...files.map(({ path }) => path.length));
  return files
    .map((file) => {
      const note = isInTheWay(file) ? ' (in the way: it says something else)' : NOTES[fateOf(file)];
      return `  ${escapeText(file.path.padEnd(width), 1024)}  ${say(file.what)}${say(note)}\n`;
    })
    .join('');
}

const NOTES = { new: '', same: ' (stays as it is)', other: ' (changes)' } as const;

/** Whether a file has another text, which must not be lost without a word of the user. */
export function isInTheWay(file: PlannedFile): boolean {
  return fateOf(file) === 'other' && file.replaces?.(read(file.path)) !== true;
}

/**
 * Writes all of the files or none. What stands there already with the same text stays. With other text it is an error, unless
 * `isForced`: then the former file is kept beside it, with `.old` at the end of its name, or `.old.2` and so on: nothing that was
 * kept is lost. Returns whether it has changed anything.
 * @throws ExitError (failed) that names the first file in the way, or that cannot be written
 */
export function writeFiles(files: readonly PlannedFile[], isForced: boolean): boolean {
  const inTheWay = files.find(isInTheWay);
  if (inTheWay !== undefined && !isForced) {
    const problem = `${escapeText(inTheWay.path, 1024)} is there, and says something else; nothing was written`;
    throw new ExitError(
      ExitCode.failed,
      `${problem}; --force replaces it, and keeps it as ${escapeText(nameOfOld(inTheWay.path), 1024)}`,
    );
  }
  const changed = files.filter((file) => fateOf(file) !== 'same');
  const undo: (() => void)[] = [];
  let underWay = '';
  try {
    for (const { path, folderMode = 0o755 } of changed) {
      underWay = path;
      for (const folder of missingFolders(dirname(path))) {
        mkdirSync(folder, folderMode);
        undo.push(() => rmdirSync(folder));
      }
    }
    for (const file of changed) {
      underWay = file.path;
      rmSync(beside(file.path), { force: true });
      undo.push(() => rmSync(beside(file.path), { force: true }));
      writeBeside(file);
    }
    for (const file of changed) {
      const { path } = file;
      if (fateOf(file) === 'other') {
        const old = nameOfOld(path);
        renameSync(path, old);
        undo.push(() => renameSync(old, path));
      } else undo.push(() => rmSync(path, { force: true }));
      renameSync(beside(path), path);
    }
  } catch (error) {
    for (const step of undo.reverse()) step();
    // An error of `write` has no path.
    const { code, message, path = underWay } = error as NodeJS.ErrnoException;
    const why = REASONS[code ?? ''] ?? message;
    throw new ExitError(ExitCode.failed, `cannot write ${escapeText(path, 1024)}: ${why}; nothing was written`, {
      cause: error,
    });
  }
  return changed.length > 0;
}

/**
 * What is to be made for a folder, from above. Not `mkdirSync` with `recursive`: where a folder is there but takes no other, such as
 * /proc, Node tries it for ever.
 */
function missingFolders(path: string): string[] {
  return existsSync(path) ? [] : [...missingFolders(dirname(path)), path];
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'no permission',
  ENOENT: 'nothing can be made there',
  ENOTDIR: 'nothing can be made there',
};

function fateOf({ path, text }: PlannedFile): 'new' | 'same' | 'other' {
  if (!existsSync(path)) return 'new';
  // A pipe would be waited for, and a folder cannot be read.
  if (!statSync(path).isFile()) {
    throw new ExitError(ExitCode.failed, `${escapeText(path, 1024)} is there, and is not a file; nothing was written`);
  }
  return read(path) === text ? 'same' : 'other';
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

function writeBeside({ path, text, mode, gid }: PlannedFile): void {
  const file = openSync(beside(path), 'wx', 0o600);
  try {
    if (gid !== undefined) fchownSync(file, -1, gid);
    fchmodSync(file, mode);
    // Not `writeSync`: where the disk is nearly full it writes a part, and says so to nobody.
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function beside(path: string): string {
  return `${path}.new`;
}

/** One that is free. */
function nameOfOld(path: string): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? `${path}.old` : `${path}.old.${n}`;
    if (!existsSync(name)) return name;
  }
}
