import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { addInitHelp, addOptions, COMMON_INIT_OPTIONS, ExitCode, ExitError, sayLines, userFolders } from 'wsproxy-cli';
import type { StepFinding, StepName } from '../index.js';
import { INIT_VARIABLE } from './doctor-command.js';

interface InitFlags {
  readonly force: boolean;
}

/** Adds `init`, which writes what a client needs. It takes the flags of `program` too, and puts them into the configuration file. */
export function addInitCommand(program: Command, self: NodeJS.Process): void {
  const command = new Command('init')
    .description('set this client up, and try it')
    .action((flags: InitFlags) => init(program, flags, self));
  program.addCommand(addInitHelp(addOptions(command, COMMON_INIT_OPTIONS), 'wsproxy-client init --listen 1090'));
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
      examine: () => examine([...command.words, '--config', path], self),
    });
  } finally {
    asker?.close();
  }
}

/** As the user would, with the doctor. Rejects with what it finds wrong first. */
async function examine([program = '', ...words]: readonly string[], self: NodeJS.Process): Promise<void> {
  const { DoctorReport } = await import('./doctor-report.js');
  const doctor = spawn(program, [...words, 'doctor', '--quick', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...self.env, [INIT_VARIABLE]: '1' },
  });
  const printed = await text(doctor.stdout);
  // It has said why.
  if (printed === '') throw new ExitError(ExitCode.failed, []);
  const { url, healthy, cause, findings } = JSON.parse(printed) as Examined;
  const found = findings.find(({ step }) => step === cause);
  if (!healthy) throw new ExitError(ExitCode.failed, [found?.text, found?.cure].filter(Boolean).join('; '));
  const report = new DoctorReport({ out: (line) => self.stdout.write(line) }, false);
  for (const finding of findings) report.onFinding(finding);
  report.end(url, findings, found);
}

/** What the doctor prints for programs. */
interface Examined {
  readonly url: string;
  readonly healthy: boolean;
  readonly cause: StepName | null;
  readonly findings: readonly StepFinding[];
}

/** The token is in the line of the server; the last one ends the client. */
const NOT_BESIDE = ['token-file', 'token-command', 'stdio'];
