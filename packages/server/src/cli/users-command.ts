import { Command } from 'commander';

/**
 * Adds `users`, which puts the users of all servers into the store and prints those that are there; its lines go to `write`. Returns its
 * commands.
 */
export function addUsersCommand(program: Command, write: (text: string) => void): readonly Command[] {
  const put = new Command('put')
    .description('check a users file, and put it into the store of --cluster in place of the one that is there')
    .argument('<file>', 'as for --users')
    .action(async (file: string) => write(await (await import('./users-of-store.js')).putUsers(program, file)));
  const get = new Command('get')
    .description('print the users file that is in the store of --cluster')
    .action(async () => write(await (await import('./users-of-store.js')).getUsers(program)));
  const users = new Command('users').description('work with the users in the store of --cluster');
  program.addCommand(users.addCommand(put).addCommand(get));
  return [put, get];
}
