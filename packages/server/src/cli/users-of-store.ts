import { basename } from 'node:path';
import type { Command } from 'commander';
import { asUsage, ExitCode, ExitError, escapeText, type ProgramLogger } from 'wsproxy-cli';
import { systemClock } from 'wsproxy-engine';
import { StoreError } from '../store/store.js';
import { openStoredUsers, type StoredUsers } from '../store/stored-users.js';
import type { UserFlags } from './credentials.js';
import { checkStatePlace } from './state-place.js';
import { type StoreFlags, storeOf } from './store-flags.js';
import { HEAD, MOST_STORED, UsersCopy } from './users-copy.js';
import { checkUsersText, readUsersText } from './users-file.js';

/** Keeps the users of the store in the file of --users-from-store. Rejects with ExitError when there are none to begin with. */
export async function copyUsers(
  program: Command,
  flags: UserFlags & StoreFlags,
  logger: ProgramLogger,
): Promise<UsersCopy> {
  asUsage(program, () => storeOf(program, flags));
  const { cluster = '', usersFromStore: path = '' } = flags;
  checkStatePlace(path, '--users-from-store');
  const users = asUsage(program, () => openStoredUsers(cluster));
  const copy = new UsersCopy({ users, path, clock: systemClock, logger });
  try {
    await copy.begin();
    return copy;
  } catch (error) {
    copy.close();
    throw error;
  }
}

/** Checks a users file and puts it into the store of --cluster; resolves with a line that says so. Rejects with ExitError. */
export function putUsers(program: Command, file: string): Promise<string> {
  return withStore(program, async (users) => {
    const name = escapeText(file, 1024);
    // Of a copy what it is a copy of.
    const text = readUsersText(file, 'users').replace(HEAD, '');
    const { length } = checkUsersText(name, text);
    if (Buffer.byteLength(text) > MOST_STORED)
      throw new ExitError(ExitCode.usage, `${name} has more than ${MOST_STORED} bytes`);
    await users.put(text);
    return `${basename(name)}: ${length === 1 ? '1 user is' : `${length} users are`} in the store\n`;
  });
}

/** Resolves with the users file that is in the store of --cluster. Rejects with ExitError. */
export function getUsers(program: Command): Promise<string> {
  return withStore(program, async (users) => {
    const read = await users.read(MOST_STORED);
    if (read.state === 'there') return read.text;
    const why = read.state === 'missing' ? 'there are no users in the store' : 'that is no users file in the store';
    throw new ExitError(ExitCode.failed, `${why}; put one there: wsproxy-server users put FILE --cluster URL`);
  });
}

async function withStore(program: Command, act: (users: StoredUsers) => Promise<string>): Promise<string> {
  const { cluster } = program.opts<{ cluster?: string }>();
  if (cluster === undefined) throw new ExitError(ExitCode.usage, 'give --cluster URL, which says where the store is');
  const users = asUsage(program, () => openStoredUsers(cluster));
  try {
    return await act(users);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new ExitError(ExitCode.failed, `--cluster: ${error.message}`, { cause: error });
  } finally {
    users.close();
  }
}
