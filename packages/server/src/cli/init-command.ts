import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Command as NewCommand } from 'commander';
import { addInitHelp, addOptions, COMMON_INIT_OPTIONS, sayLines } from 'wsproxy-cli';
import type { InitFlags } from '../init/init-server.js';
import type { Machine } from '../init/plan-files.js';
import { parsePublicName } from '../init/public-name.js';
import { SERVICE_PATH } from '../init/service-path.js';
import { parseUserName } from '../init/user-names.js';
import { INIT_OPTIONS } from '../options/init-options.js';

/** Adds `init`, which writes what a server needs. It takes the flags of `program` too, and puts them into the configuration file. */
export function addInitCommand(program: Command, self: NodeJS.Process): void {
  const command = new NewCommand('init')
    .description('write the files of a new server')
    .action((flags: InitFlags) => init(program, flags, self));
  const options = { ...INIT_OPTIONS, ...COMMON_INIT_OPTIONS };
  addOptions(command, options, {
    'host name': asArgument(parsePublicName),
    'user name': asArgument(parseUserName),
  });
  program.addCommand(addInitHelp(command, 'wsproxy-server init --host-name proxy.example.org --front caddy --reverse'));
}

async function init(program: Command, flags: InitFlags, self: NodeJS.Process): Promise<void> {
  const { askAtTerminal, checkGiven, givenSettings, programCommand } = await import('wsproxy-cli/init');
  const { initServer } = await import('../init/init-server.js');
  const { checkSetting } = await import('./check-settings.js');
  const { readUsersText, usersIn } = await import('./users-file.js');
  const settings = givenSettings(program, self.argv.slice(2));
  await checkGiven(program, settings.keys(), WRITTEN, checkSetting);
  const isRoot = self.geteuid?.() === 0;
  const { config } = program.opts<{ config?: string }>();
  const machine: Machine = {
    path: resolve(config ?? (isRoot ? SERVICE_PATH : 'server.yaml')),
    isService: isRoot && existsSync('/run/systemd/system'),
    hasUnit: existsSync('/usr/lib/systemd/system/wsproxy-server.service'),
    gid: isRoot ? groupId() : undefined,
    command: programCommand(program.name(), self),
  };
  const idsIn = (path: string, text: string): string[] => usersIn(path, text).map(({ id }) => id);
  const asker = self.stdin.isTTY ? askAtTerminal({ input: self.stdin, output: self.stdout }) : undefined;
  try {
    await initServer({
      ...{ flags, settings, machine, asker, idsIn, readUsersText },
      write: (text) => self.stdout.write(sayLines(text)),
    });
  } finally {
    asker?.close();
  }
}

/** What `init` writes, and names in the configuration. */
const WRITTEN = ['token-file', 'users'];

/** Of the group that may read the secrets of the service. */
function groupId(): number | undefined {
  const groups = existsSync('/etc/group') ? readFileSync('/etc/group', 'utf8') : '';
  const id = /^wsproxy:[^:]*:(\d+):/m.exec(groups)?.[1];
  return id === undefined ? undefined : Number(id);
}

/** What `parse` refuses is a mistake of the command line. */
function asArgument(parse: (text: string) => string): (text: string) => string {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}
