import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { checkSecret } from './check-secret.js';
import { decodeText, MARK_LENGTH } from './decode-text.js';
import { escapeText } from './escape-text.js';
import { ExitCode, ExitError } from './exit-code.js';

export interface SecretFile {
  readonly path: string;
  /** The flag that names it. */
  readonly flag: string;
  /** Bytes that are read at most, beside a byte order mark. */
  readonly maxBytes: number;
}

/**
 * The text of a file that holds secrets, or its start when it has more than `maxBytes`: the path may name a device
 * without an end.
 * @throws ExitError (usage) when it cannot be read, or when others can read or change it too
 */
export function readSecretFile({ path, flag, maxBytes }: SecretFile): string {
  const name = nameOfFile(path, flag);
  try {
    const file = openSync(path, 'r');
    try {
      checkSecret(file, { path, name });
      return decodeText(readStart(file, maxBytes + MARK_LENGTH));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw usage(`cannot read ${name}: ${escapeText(whyUnreadable(error as Error, flag))}`, error);
  }
}

/** Why the file that `flag` gives cannot be read, and what to do. */
export function whyUnreadable({ code = '', message }: NodeJS.ErrnoException, flag: string): string {
  return { ...REASONS, ...pathReasons(flag) }[code] ?? message;
}

/** `--token-file` names a token file, `--users` a users file. */
export function nameOfFile(path: string, flag: string): string {
  return `${flag.replace(/^--|-file$/g, '')} file ${escapeText(path, 1024)}`;
}

/** Whether `path` gives its content again: a pipe gives it once, and would make its reader wait for a writer. */
export function isRepeatable(path: string): boolean {
  // With bigint, since Node's search for modules looks at what the last call without it has found, and fails at a pipe.
  return statSync(path, { throwIfNoEntry: false, bigint: true })?.isFile() === true;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'no permission; run the program as the owner of the file',
};

function pathReasons(flag: string): Readonly<Record<string, string>> {
  return {
    ENOENT: `no such file; check the path given with ${flag}`,
    EISDIR: `it is a directory; give the file itself with ${flag}`,
  };
}

function readStart(file: number, maxBytes: number): Buffer {
  const buffer = Buffer.alloc(maxBytes);
  let length = 0;
  for (;;) {
    // A pipe (`--token-file <(pass show tunnel)`) may hand out its content in pieces.
    const read = readSync(file, buffer, length, buffer.length - length, null);
    length += read;
    if (read === 0) return buffer.subarray(0, length);
  }
}

function usage(message: string, cause?: unknown): ExitError {
  return new ExitError(ExitCode.usage, message, { cause });
}
