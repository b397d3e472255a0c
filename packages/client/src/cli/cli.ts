import { Command } from 'commander';
import {
  addCommonOptions,
  addConfigFile,
  addOptions,
  asUsage,
  type CommonOptions,
  createLogger,
  ExitCode,
  ExitError,
  explainListenError,
  formatListenAddress,
  hasTerminal,
  type ListenAddress,
  libraryOptions,
  listenOnUnixSocket,
  onTermination,
  type ProgramLogger,
  parseListenAddress,
  parseListenOrUnix,
  runProgram,
  standardOutput,
} from 'wsproxy-cli';
import type { Client, ConnectError, LocalPort } from '../index.js';
import { OPTIONS } from '../options/options.js';
import { addDoctorCommand } from './doctor-command.js';
import { DEFAULT_HOST, type Forward, parseForward } from './forward.js';
import type { ProxyUsers } from './proxy-users.js';
import { type ReachFlags, readReach } from './read-reach.js';
import { followTokens, readServers, type TokenFlags } from './server-list.js';

/** What of `program.opts()` is used here; the rest goes to the library as it is. */
interface Flags extends CommonOptions, ReachFlags, TokenFlags {
  /** By default at DEFAULT_LISTEN, unless something else is asked for. */
  readonly listen?: readonly Forward['at'][];
  readonly forward?: readonly Forward[];
  readonly socksAuth?: string;
  readonly status?: ListenAddress;
  readonly stdio?: string;
}

const DEFAULT_LISTEN: ListenAddress = { host: DEFAULT_HOST, port: 1080 };

const program = new Command('wsproxy-client').description(
  'Offers SOCKS and HTTP proxying on a local port, and carries it over one WebSocket to a wsproxy-server.',
);
addOptions(program, OPTIONS, {
  address: (text) => parseListenOrUnix(text, DEFAULT_HOST),
  'TCP address': (text) => parseListenAddress(text, DEFAULT_HOST),
  forward: parseForward,
});
program.addHelpText(
  'after',
  `
Examples:
  wsproxy-client wss://proxy.example.org/tunnel --token-file ~/.config/wsproxy/token
  wsproxy-client wss://near.example.org/tunnel wss://far.example.org/tunnel
  curl -x socks5h://127.0.0.1:1080 https://example.com/
  curl -x http://127.0.0.1:1080 https://example.com/
  ssh -o ProxyCommand='wsproxy-client wss://proxy.example.org/tunnel -W %h:%p' host
  wsproxy-client doctor wss://proxy.example.org/tunnel --to example.com:443

SIGHUP without a terminal reconnects at once instead of waiting for the next try, and asks for the token again; with
one it ends the program, as closing the terminal does.
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
  judge: async (...setting) => (await import('./check-settings.js')).checkSetting(...setting),
  judgeAll: async () => (await import('./check-settings.js')).checkSettings(program),
  alsoFor: [doctor],
});
program.action(run);
await runProgram(program);

async function run(urls: readonly string[], flags: Flags, command: Command): Promise<void> {
  let reloads = 0;
  const tell = (text: string): void => logger.warn({ text }, 'the command for the token says');
  const servers = asUsage(program, () => readServers(urls, flags, process.env, { tell, reloads: () => reloads }));
  // After the arguments were judged: `--help` and a missing token need not wait for the rest.
  // In two steps: Node opens the files of one all at once, and a program with few descriptors would not start.
  await import('wsproxy-engine');
  const { Client } = await import('../client.js');
  const { checkProxyOptions, proxyFromEnvironment } = await import('../index.js');
  const { checkTargets } = await import('./check-settings.js');
  const { stdio } = flags;
  // What uses -W shows its user whatever comes on standard error.
  const isQuiet = stdio !== undefined && command.getOptionValueSource('logLevel') === 'default';
  const logger = await createLogger({
    level: isQuiet ? 'warn' : flags.logLevel,
    format: flags.logFormat,
    name: 'client',
  });

  let users: ProxyUsers;
  if (flags.socksAuth !== undefined) {
    const { readProxyUsers } = await import('./proxy-users.js');
    users = readProxyUsers(flags.socksAuth);
  }
  for (const at of flags.listen ?? []) checkListen(() => checkProxyOptions({ ...at, users }), at);
  const client = asUsage(program, () => {
    checkTargets(flags);
    const reach = readReach(flags, (server) => proxyFromEnvironment(server, process.env));
    return new Client({ ...libraryOptions(program), ...reach, ...servers, logger }, 'command line');
  });
  followTokens(flags, client);
  // ssh ends its ProxyCommand by it, and a terminal that is closed what runs in it.
  const endsAtHangup = stdio !== undefined || hasTerminal();
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    onTermination(resolve);
    process.on('SIGHUP', () => {
      if (endsAtHangup) return resolve('SIGHUP');
      reloads += 1;
      client.renew();
    });
  });
  try {
    if (stdio === undefined) {
      const serving = openPorts(client, flags, users, logger).then(() => connect(client, servers.url));
      await Promise.race([stopped, serving]);
      logger.info({ signal: await stopped }, 'stopping');
    } else {
      const refused = new Promise<never>((_resolve, reject) => {
        connect(client, servers.url).catch(reject);
      });
      await Promise.race([stopped, refused, carryStandardStreams(client, stdio)]);
    }
  } finally {
    await client.close();
  }
}

/** Rejects when that cannot succeed as things are; a server that is away is waited for. */
async function connect(client: Client, url: string): Promise<void> {
  try {
    await client.start();
  } catch (error) {
    throw new ExitError(ExitCode.failed, `${url}: ${(error as ConnectError).message}`, { cause: error });
  }
}

/** All that applications use is there before the first connection to the server, since they do not come back for it. */
async function openPorts(client: Client, flags: Flags, users: ProxyUsers, logger: ProgramLogger): Promise<void> {
  const { forward = [], listen = forward.length === 0 ? [DEFAULT_LISTEN] : [] } = flags;
  const ready: { listen?: string; forward?: string } = {};
  for (const at of listen) {
    const address = await openPort(at, '--listen', () => client.listen({ ...at, users }));
    ready.listen = join(ready.listen, address);
  }
  for (const { at, target } of forward) {
    const address = await openPort(at, '-L', () => client.forward({ ...at, target }));
    ready.forward = join(ready.forward, `${address} to ${target}`);
  }
  const { status } = flags;
  if (status !== undefined) {
    const address = await openPort(status, '--status', () => client.serveStatus(status));
    logger.info({ url: `http://${address}/` }, 'status page');
  }
  logger.info(ready, 'ready');
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
