import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { escapeText } from './escape-text.js';
import { ExitCode, ExitError } from './exit-code.js';

export interface SecretFile {
  readonly path: string;
  /** The flag that names it. */
  readonly flag: string;
  /** Bytes that are read at most. */
  readonly maxBytes: number;
}

/**
 * The text of a file that holds secrets, or its start when it has more than `maxBytes`: the path may name a device
 * without an end.
 * @throws ExitError (usage) when it cannot be read, or when others can read it too
 */
export function readSecretFile({ path, flag, maxBytes }: SecretFile): string {
  const name = nameOfFile(path, flag);
  try {
    const file = openSync(path, 'r');
    try {
      // Asked of the open file, not of the path: it cannot be exchanged in between. And with bigint, since Node's search
      // for modules looks at what the last call without it has found, and fails where that was a pipe.
      const { mode, uid } = fstatSync(file, { bigint: true });
      if (!isSecret({ mode: Number(mode), uid: Number(uid) }, process.geteuid?.())) {
        throw usage(`${name} can be read or changed by other users; run: chmod 600 ${escapeText(path, 1024)}`);
      }
      return readStart(file, maxBytes);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof ExitError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = { ...REASONS, ...pathReasons(flag) }[code ?? ''] ?? message;
    throw usage(`cannot read ${name}: ${escapeText(reason)}`, error);
  }
}

/** `--token-file` names a token file, `--users` a users file. */
export function nameOfFile(path: string, flag: string): string {
  return `${flag.replace(/^--|-file$/g, '')} file ${escapeText(path, 1024)}`;
}

/**
 * Nobody but its owner may read the file. One of root's may also be readable by the group of a program that is not root,
 * which is how systemd's LoadCredential (its mode then shows the mask of an access list) and the secrets of Kubernetes
 * hand it over. `uid` is undefined on Windows, where modes say nothing.
 */
export function isSecret({ mode, uid: owner }: Pick<Stats, 'mode' | 'uid'>, uid: number | undefined): boolean {
  if (uid === undefined) return true;
  const forbidden = owner === 0 && uid !== 0 ? 0o037 : 0o077;
  return (mode & forbidden) === 0;
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

function readStart(file: number, maxBytes: number): string {
  const buffer = Buffer.alloc(maxBytes);
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
