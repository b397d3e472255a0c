import { ExitError, type ProgramLogger, watchFile } from 'wsproxy-cli';
import type { Server } from '../index.js';
import { readUsers } from './users-file.js';

/** Mistakes that one line of the log tells. */
const TOLD = 10;

/** Gives the server the users in the file whenever it changes; a broken one changes nothing. Returns what does so now. */
export function followUsers(file: string, server: Server, logger: ProgramLogger): () => void {
  const reload = (): void => {
    try {
      const users = readUsers(file);
      server.setUsers(users);
      logger.info({ file, users: users.length, sessions: server.sessionCount }, 'users reloaded');
    } catch (error) {
      const mistakes = error instanceof ExitError ? error.lines : [(error as Error).message];
      logger.error({ mistakes: mistakes.slice(0, TOLD) }, 'users not reloaded, those of before stay');
    }
  };
  watchFile(file, reload);
  return reload;
}
