import { Command, Option } from 'commander';
import {
  addCommonOptions,
  addConfigFile,
  type CommonOptions,
  createLogger,
  ExitCode,
  ExitError,
  explainListenError,
  formatListenAddress,
  type ListenAddress,
  listenOnUnixSocket,
  onTermination,
  type ProgramLogger,
  parseDuration,
  runProgram,
  standardOutput,
} from 'wsproxy-cli';
import type { Client, ConnectError, LocalPort } from '../index.js';
import { addDoctorCommand } from './doctor-command.js';
import { addListenOptions, DEFAULT_LISTEN, type Forward, type ListenOptions } from './listen-options.js';
import type { ProxyUsers } from './proxy-users.js';
import { addReachOptions, type ReachOptions, readReach } from './reach-options.js';
import { readServers } from './server-list.js';

interface Options extends CommonOptions, ListenOptions, ReachOptions {
  readonly grace: number;
  readonly heartbeat: number;
  readonly connections: number;
  readonly optimistic?: boolean;
}

const program = new Command('wsproxy-client')
  .description('Offers SOCKS and HTTP proxying on a local port, and carries it over one WebSocket to a wsproxy-server.')
  .argument('[url...]', 'the server: wss://host[:port]/path; more of them serve while those before do not answer');
addListenOptions(program);
addReachOptions(program);
program
  .addOption(
    new Option('--grace <duration>', 'how long connections survive without a way to the server')
      .argParser(parseDuration)
      .default(120_000, '2m'),
  )
  .addOption(
    new Option('--heartbeat <duration>', 'silence after which either end sends something, 5s to 10m')
      .argParser(parseDuration)
      .default(15_000, '15s'),
  )
  .option('--connections <number>', 'WebSockets to spread the connections over', Number, 1)
  .option('--optimistic', 'answer applications before the destination was dialled; a failure is then a reset')
  .addHelpText(
    'after',
    `
Examples:
  wsproxy-client wss://proxy.example.org/tunnel --token-file ~/.config/wsproxy/token
  wsproxy-client wss://near.example.org/tunnel wss://far.example.org/tunnel
  curl -x socks5h://127.0.0.1:1080 https://example.com/
  curl -x http://127.0.0.1:1080 https://example.com/
  ssh -o ProxyCommand='wsproxy-client wss://proxy.example.org/tunnel -W %h:%p' host
  wsproxy-client doctor wss://proxy.example.org/tunnel --to example.com:443

SIGHUP reconnects at once instead of waiting for the next try.
Exit codes: 0 stopped by a signal, 1 the server cannot be used or the port is taken, 2 wrong usage or no token,
70 a defect.`,
  );
addCommonOptions(program, new URL('../../package.json', import.meta.url));
const doctor = addDoctorCommand(program, {
  screen: {
    out: (text) => process.stdout.write(text),
    progress: process.stderr.isTTY ? (text) => process.stderr.write(text) : undefined,
  },
  env: process.env,
});
addConfigFile(program, {
  name: 'client',
  env: process.env,
  judge: async (...setting) => (await import('./judge-setting.js')).judgeSetting(...setting),
  alsoFor: [doctor],
});
program.action(run);
await runProgram(program);

async function run(urls: readonly string[], options: Options, command: Command): Promise<void> {
  const servers = readServers(urls, options.tokenFile ?? [], process.env['WSPROXY_TOKEN']);
  // After the arguments were judged: `--help` and a missing token need not wait for the rest.
  // In two steps: Node opens the files of one all at once, and a program with few descriptors would not start.
  await import('wsproxy-engine');
  const { createClient, checkProxyOptions, parseTarget, proxyFromEnvironment } = await import('../index.js');
  const { logFormat, grace, heartbeat, connections, optimistic = false, stdio, forward = [], bypass = [] } = options;
  // What uses -W shows its user whatever comes on standard error.
  const isQuiet = stdio !== undefined && command.getOptionValueSource('logLevel') === 'default';
  const logger = await createLogger({
    level: isQuiet ? 'warn' : options.logLevel,
    format: logFormat,
    name: 'client',
  });

  let client: Client;
  let users: ProxyUsers;
  if (options.socksAuth !== undefined) {
    const { readProxyUsers } = await import('./proxy-users.js');
    users = readProxyUsers(options.socksAuth);
  }
  for (const at of options.listen ?? []) checkListen(() => checkProxyOptions({ ...at, users }), at);
  try {
    for (const target of [stdio ?? [], ...forward.map((one) => one.target)].flat()) parseTarget(target);
    const reach = readReach(options, (server) => proxyFromEnvironment(server, process.env));
    client = createClient({ ...servers, ...reach, grace, heartbeat, connections, optimistic, bypass, logger });
  } catch (error) {
    if (error instanceof TypeError) throw new ExitError(ExitCode.usage, error.message);
    throw error;
  }
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    onTermination(resolve);
    // ssh ends its ProxyCommand by it.
    process.on('SIGHUP', () => (stdio === undefined ? client.reconnectNow() : resolve('SIGHUP')));
  });
  const connecting = client.start().catch((error: ConnectError) => {
    throw new ExitError(ExitCode.failed, `${servers.url}: ${error.message}`);
  });
  try {
    if (stdio === undefined) {
      if (options.status !== undefined) await openStatus(client, options.status, logger);
      await Promise.race([stopped, connecting.then(() => openPorts(client, options, users, logger))]);
      logger.info({ signal: await stopped }, 'stopping');
    } else {
      const refused = new Promise<never>((_resolve, reject) => {
        connecting.catch(reject);
      });
      await Promise.race([stopped, refused, carryStandardStreams(client, stdio)]);
    }
  } finally {
    await client.close();
  }
}

async function openPorts(client: Client, options: Options, users: ProxyUsers, logger: ProgramLogger): Promise<void> {
  const { forward = [], listen = forward.length === 0 ? [DEFAULT_LISTEN] : [] } = options;
  const ready: { listen?: string; forward?: string } = {};
  for (const at of listen) {
    const address = await openPort(at, '--listen', () => client.listen({ ...at, users }));
    ready.listen = join(ready.listen, address);
  }
  for (const { at, target } of forward) {
    const address = await openPort(at, '-L', () => client.forward({ ...at, target }));
    ready.forward = join(ready.forward, `${address} to ${target}`);
  }
  logger.info(ready, 'ready');
}

/** Also while the tunnel is not up yet: then it says so. */
async function openStatus(client: Client, at: ListenAddress, logger: ProgramLogger): Promise<void> {
  const address = await openPort(at, '--status', () => client.serveStatus(at));
  logger.info({ url: `http://${address}/` }, 'status page');
}

function checkListen(check: () => void, at: Forward['at']): void {
  try {
    check();
  } catch (error) {
    const text = `--listen ${formatListenAddress(at)}: ${(error as Error).message}; give --socks-auth FILE`;
    throw new ExitError(ExitCode.usage, text);
  }
}

function join(list: string | undefined, item: string): string {
  return list === undefined ? item : `${list}, ${item}`;
}

/** Where it listens, for the log. */
async function openPort(at: Forward['at'], flag: string, open: () => Promise<LocalPort>): Promise<string> {
  try {
    if ('path' in at) {
      await listenOnUnixSocket(at.path, open);
      return formatListenAddress(at);
    }
    const { address } = await open();
    return formatListenAddress({ host: address.address, port: address.port });
  } catch (error) {
    throw explainListenError(error as Error, at, flag);
  }
}

/** Resolves when both ends have ended their half, and the server has had everything. */
async function carryStandardStreams(client: Client, target: string): Promise<void> {
  try {
    await client.pipe(target, process.stdin, standardOutput());
    await client.whenIdle();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const text = code === 'EPIPE' ? 'nobody reads standard output any more' : message;
    throw new ExitError(ExitCode.failed, `${target}: ${text}`, { cause: error });
  }
}
