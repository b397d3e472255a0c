import { existsSync } from 'node:fs';
import { ExitCode, ExitError, isRepeatable, readTokens } from 'wsproxy-cli';
import type { UserEntry } from '../index.js';
import { SERVICE_PATH } from '../init/service-path.js';
import { soleUser } from '../users/directory.js';

/** Who may come in. */
export interface UserFlags {
  readonly users?: string;
  /** The copy of those in the store. */
  readonly usersFromStore?: string;
  readonly tokenFile?: string;
  /** The configuration file, if one was named. */
  readonly config?: string;
}

/** Where the users stand. */
export interface Credentials {
  /** What they have there now. @throws ExitError (usage), with a line for every mistake */
  readonly read: () => readonly UserEntry[];
  /** The file, if it can be read again. */
  readonly file?: string | undefined;
}

/** @throws ExitError (usage) when they come from where they can be read only once, though several processes have to */
export function expectRepeatable({ users, tokenFile }: UserFlags): void {
  for (const [flag, path] of Object.entries({ '--users': users, '--token-file': tokenFile })) {
    if (path === undefined || !existsSync(path) || isRepeatable(path)) continue;
    throw new ExitError(
      ExitCode.usage,
      `${flag}: each worker has to read it, and a pipe can be read once; give a file`,
    );
  }
}

/** @throws ExitError (usage) when there is none, or two that exclude each other */
export async function findCredentials(
  flags: UserFlags,
  env: string | undefined,
  servicePath: string = SERVICE_PATH,
): Promise<Credentials> {
  const { users, usersFromStore, tokenFile, config } = flags;
  const [flag, path] = users === undefined ? ['--users-from-store', usersFromStore] : ['--users', users];
  if (path === undefined) {
    const serviceFile = config === undefined ? servicePath : undefined;
    const read = (): readonly UserEntry[] => [soleUser(...readTokens({ file: tokenFile, env, serviceFile }))];
    return { read, file: tokenFile !== undefined && isRepeatable(tokenFile) ? tokenFile : undefined };
  }
  const other = tokenFile === undefined ? env && 'WSPROXY_TOKEN' : '--token-file';
  if (other !== undefined && other !== '') {
    throw new ExitError(
      ExitCode.usage,
      `${flag} and ${other} exclude each other: give the token a line in the users file`,
    );
  }
  // The reader of YAML is not loaded for nothing.
  const { readUsers } = await import('./users-file.js');
  return { read: () => readUsers(path, flag), file: isRepeatable(path) ? path : undefined };
}
