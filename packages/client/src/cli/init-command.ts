import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { addOptions, COMMON_INIT_OPTIONS, ExitCode, ExitError, sayLines, userFolders } from 'wsproxy-cli';

interface InitFlags {
  readonly force: boolean;
}

/** Adds `init`, which writes what a client needs. It takes the flags of `program` too, and puts them into the configuration file. */
export function addInitCommand(program: Command, self: NodeJS.Process): void {
  const command = new Command('init')
    .description('set this client up, and try it')
    .action((flags: InitFlags) => init(program, flags, self));
  program.addCommand(addOptions(command, COMMON_INIT_OPTIONS));
}

async function init(program: Command, flags: InitFlags, self: NodeJS.Process): Promise<void> {
  const { askAtTerminal, checkGiven, givenSettings, programCommand } = await import('wsproxy-cli/init');
  const { checkSetting } = await import('./check-settings.js');
  const { initClient } = await import('../init/init-client.js');
  const settings = givenSettings(program, self.argv.slice(2));
  await checkGiven(program, settings.keys(), NOT_BESIDE, checkSetting);
  const { home, configHome } = userFolders(self.env);
  const defaultPath = join(configHome, 'wsproxy/client.yaml');
  const { config } = program.opts<{ config?: string }>();
  const path = resolve(config ?? defaultPath);
  const command = programCommand(program.name(), self);
  const asker = self.stdin.isTTY ? askAtTerminal({ input: self.stdin, output: self.stdout }) : undefined;
  try {
    await initClient({
      settings,
      machine: {
        ...{ home, configHome, path, defaultPath, command },
        platform: self.platform,
        hasSystemd: existsSync('/run/systemd/system'),
        hasUnit: existsSync('/usr/lib/systemd/user/wsproxy-client.service'),
      },
      isForced: flags.force,
      asker,
      readInput: () => text(self.stdin),
      write: (said) => self.stdout.write(sayLines(said)),
      examine: () => run([...command.words, '--config', path, 'doctor', '--quick']),
    });
  } finally {
    asker?.close();
  }
}

/** As the user would. Rejects when that fails, which it has told then. */
async function run([program = '', ...words]: readonly string[]): Promise<void> {
  const [code] = (await once(spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit'] }), 'exit')) as [number];
  if (code !== 0) throw new ExitError(ExitCode.failed, []);
}

/** The token is in the line of the server; the last one ends the client. */
const NOT_BESIDE = ['token-file', 'token-command', 'stdio'];
