import { ExitError, type ProgramLogger, watchFile } from 'wsproxy-cli';
import type { Server } from '../index.js';
import type { Credentials } from './credentials.js';

/** Mistakes that one line of the log tells. */
const TOLD = 10;

/** Gives the server the users in the file whenever it changes; a broken one changes nothing. Returns what does so now. */
export function followUsers({ read, file }: Credentials, server: Server, logger: ProgramLogger): () => void {
  const reload = (): void => {
    try {
      const users = read();
      server.setUsers(users);
      const tokens = users.reduce((sum, user) => sum + (user.tokens?.length ?? 1), 0);
      logger.info({ file, users: users.length, tokens, sessions: server.sessionCount }, 'users reloaded');
    } catch (error) {
      const mistakes = error instanceof ExitError ? error.lines : [(error as Error).message];
      logger.error({ file, mistakes: mistakes.slice(0, TOLD) }, 'users not reloaded, those of before stay');
    }
  };
  if (file !== undefined) watchFile(file, reload);
  return reload;
}
