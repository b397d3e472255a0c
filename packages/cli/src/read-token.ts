import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { escapeText } from './escape-text.js';
import { ExitCode, ExitError } from './exit-code.js';

const MIN_LENGTH = 32;
const MAX_LENGTH = 4096;
const MAKE_ONE = 'make one with: head -c 32 /dev/urandom | base64';

/** Where a token may come from; the file is used if both are given. */
export interface TokenSources {
  /** The value of --token-file. */
  readonly file?: string | undefined;
  /** The value of the environment variable WSPROXY_TOKEN. */
  readonly env?: string | undefined;
}

/**
 * The token, without the byte order mark and the white space around it that editors and shells leave behind.
 * @throws ExitError (usage) that names the source, what is wrong with it and the remedy, never the token
 */
export function readToken(sources: TokenSources): string {
  if (sources.file !== undefined) {
    const name = `token file ${escapeText(sources.file, 1024)}`;
    return checkToken(readSecretFile(sources.file, name), name);
  }
  if (sources.env !== undefined) return checkToken(sources.env, 'WSPROXY_TOKEN');
  throw usage(`no token: put one in a file and give --token-file FILE, or set WSPROXY_TOKEN; ${MAKE_ONE}`);
}

function checkToken(text: string, name: string): string {
  const token = text.replace(/^\ufeff/, '').trim();
  if (token === '') throw usage(`${name} is empty; ${MAKE_ONE}`);
  if (/[\r\n]/.test(token)) throw usage(`${name} has more than one line; it must hold one token and nothing else`);
  if (token.length > MAX_LENGTH) throw usage(`${name} is longer than ${MAX_LENGTH} characters; ${MAKE_ONE}`);
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw usage(`${name} has a character that is not printable ASCII, or a space inside; ${MAKE_ONE}`);
  }
  if (token.length < MIN_LENGTH) {
    throw usage(`${name} has ${token.length} characters, fewer than ${MIN_LENGTH}; ${MAKE_ONE}`);
  }
  return token;
}

function readSecretFile(path: string, name: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      // Asked of the open file, not of the path: it cannot be exchanged in between.
      const { mode } = fstatSync(file);
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
        throw usage(`${name} can be read or changed by other users; run: chmod 600 ${escapeText(path, 1024)}`);
      }
      return readStart(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof ExitError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw usage(`cannot read ${name}: ${escapeText(REASONS[code ?? ''] ?? message)}`, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file; check the path given with --token-file',
  EACCES: 'no permission; run the program as the owner of the file',
  EISDIR: 'it is a directory; give the file itself with --token-file',
};

/** Reads no further than it takes to see that a file is too long: the path may name a device without an end. */
function readStart(file: number): string {
  const buffer = Buffer.alloc(2 * MAX_LENGTH);
  let length = 0;
  for (;;) {
    // A pipe (`--token-file <(pass show tunnel)`) may hand out its content in pieces.
    const read = readSync(file, buffer, length, buffer.length - length, null);
    length += read;
    if (read === 0) return buffer.toString('utf8', 0, length);
  }
}

function usage(message: string, cause?: unknown): ExitError {
  return new ExitError(ExitCode.usage, message, { cause });
}
