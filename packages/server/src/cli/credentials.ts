import { ExitCode, ExitError, readToken } from 'wsproxy-cli';
import type { UserEntry } from '../index.js';

/** Who may come in. */
export interface UserFlags {
  readonly users?: string;
  readonly tokenFile?: string;
}

/** What `Server` takes: the one token, or the users. */
export async function readCredentials(
  { users, tokenFile }: UserFlags,
  env: string | undefined,
): Promise<{ token: string } | { users: readonly UserEntry[] }> {
  if (users === undefined) return { token: readToken({ file: tokenFile, env }) };
  const other = tokenFile === undefined ? env && 'WSPROXY_TOKEN' : '--token-file';
  if (other !== undefined && other !== '') {
    throw new ExitError(
      ExitCode.usage,
      `--users and ${other} exclude each other: give the token a line in the users file`,
    );
  }
  // The reader of YAML is not loaded for nothing.
  const { readUsers } = await import('./users-file.js');
  return { users: readUsers(users) };
}
