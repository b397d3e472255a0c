import { Command } from 'commander';
import { addOptions, asUsage, ExitCode, ExitError, escapeText, libraryOptions, usageOf } from 'wsproxy-cli';
import { DOCTOR_OPTIONS } from '../options/options.js';
import type { Screen } from './doctor-report.js';
import { type ReachFlags, readReach } from './read-reach.js';
import { checkUrls, readServers, type TokenFlags } from './server-list.js';

/** `init` starts the doctor with it, so that the doctor says how to run `init` again. */
export const INIT_VARIABLE = 'WSPROXY_INIT';

export interface DoctorContext {
  readonly screen: Screen;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Adds `doctor`, which takes the flags of `program` as well as its own, and its URLs when it has none itself. */
export function addDoctorCommand(program: Command, context: DoctorContext): Command {
  const command = new Command('doctor')
    .description('say what is wrong, and what to do')
    .argument('[url]', 'the server; default: the first one of the configuration file')
    .action(async (url: string | undefined, { json = false }: { readonly json?: boolean }) => {
      const [configured] = (program.processedArgs[0] ?? []) as string[];
      const server = url ?? configured;
      await examine(server === undefined ? [] : [server], json, command, program, context);
    });
  program.addCommand(addOptions(command, DOCTOR_OPTIONS));
  return command;
}

async function examine(
  urls: readonly string[],
  json: boolean,
  command: Command,
  program: Command,
  { screen, env }: DoctorContext,
): Promise<void> {
  const flags = program.opts<ReachFlags & TokenFlags>();
  const tokens = { ...flags, tokenFile: (flags.tokenFile ?? []).slice(0, 1) };
  const tell = (text: string): void => screen.progress?.(`${escapeText(text)}\n`);
  await checkUrls(urls);
  const { url, token } = asUsage(program, () => readServers(urls, tokens, env, { tell }));
  const { diagnoseFor } = await import('../doctor/diagnose.js');
  const { proxyFromEnvironment } = await import('../index.js');
  const { DoctorReport } = await import('./doctor-report.js');
  const report = new DoctorReport(screen, json);
  const reach = asUsage(program, () => readReach(flags, (server) => proxyFromEnvironment(server, env)));
  const options = { ...libraryOptions(program), ...libraryOptions(command), ...reach, url, token };
  const reader = env[INIT_VARIABLE] === undefined ? 'command line' : 'init';
  const { findings, cause } = await diagnoseFor(reader, options, report).catch((error: unknown) => {
    throw usageOf(command, error);
  });
  report.end(url, findings, cause);
  // The report has said it.
  if (findings.some(({ mark }) => mark === 'fail')) throw new ExitError(ExitCode.failed, []);
}
