import { Command, Option } from 'commander';
import { ExitCode, ExitError, parseDuration, repeatable } from 'wsproxy-cli';
import type { Screen } from './doctor-report.js';
import type { ReachOptions } from './reach-options.js';
import { readReach } from './reach-options.js';
import { readServers } from './server-list.js';

interface DoctorOptions {
  readonly to?: readonly string[];
  readonly idle?: number;
  readonly quick?: boolean;
  readonly json?: boolean;
}

export interface DoctorContext {
  readonly screen: Screen;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Adds `doctor`, which takes the flags of `program` as well as its own, and its URLs when it has none itself. */
export function addDoctorCommand(program: Command, { screen, env }: DoctorContext): Command {
  const command = new Command('doctor')
    .description('examine the way to a server step by step, and say what is wrong with it and what to do')
    .argument('[url]', 'the server; default: the first one of the configuration file')
    .addOption(
      repeatable(new Option('--to <host:port>', 'a destination to reach through the tunnel; repeatable'), String),
    )
    .addOption(
      new Option('--idle <duration>', 'measure for so long when a silent connection is cut, 1s to 590s').argParser(
        parseDuration,
      ),
    )
    .option('--quick', 'leave out what takes long: throughput and heartbeat')
    .option('--json', 'print one JSON document instead of lines')
    .action(async (url: string | undefined, options: DoctorOptions) => {
      const [configured] = (program.processedArgs[0] ?? []) as string[];
      const reach = program.opts<ReachOptions>();
      const server = readServers(
        [url ?? configured].flatMap((one) => one ?? []),
        (reach.tokenFile ?? []).slice(0, 1),
        env['WSPROXY_TOKEN'],
      );
      await examine(server, reach, options, { screen, env });
    });
  program.addCommand(command);
  return command;
}

async function examine(
  server: { readonly url: string; readonly token: string },
  flags: ReachOptions,
  { to = [], idle = 0, quick = false, json = false }: DoctorOptions,
  { screen, env }: DoctorContext,
): Promise<void> {
  const { diagnose, proxyFromEnvironment } = await import('../index.js');
  const { DoctorReport } = await import('./doctor-report.js');
  const report = new DoctorReport(screen, json);
  try {
    const reach = readReach(flags, (url) => proxyFromEnvironment(url, env));
    const { findings, cause } = await diagnose({ ...reach, ...server, reach: to, idle, quick }, report);
    report.end(server.url, findings, cause);
    if (findings.every(({ mark }) => mark !== 'fail')) return;
    throw new ExitError(ExitCode.failed, `${server.url}: ${cause?.text ?? 'something is wrong'}`);
  } catch (error) {
    if (error instanceof TypeError) throw new ExitError(ExitCode.usage, error.message);
    throw error;
  }
}
