import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Command } from 'commander';
import {
  addCommonOptions,
  addCompletionCommand,
  addConfigFile,
  addHelpTexts,
  addOptions,
  asUsage,
  type CommonOptions,
  checkNoCommand,
  checkSocket,
  createLogger,
  ExitCode,
  ExitError,
  formatListenAddress,
  hasTerminal,
  libraryOptions,
  onTermination,
  parseListenAddress,
  parseListenOrUnix,
  parseUnixPath,
  runProgram,
  standardOutput,
  userFolders,
} from 'wsproxy-cli';
import { VERSION } from 'wsproxy-engine/version';
import type { Client, ConnectError } from '../index.js';
import { OPTIONS } from '../options/options.js';
import { hideWispToken } from '../reach/hide-wisp-token.js';
import { beginForward } from './begin-forward.js';
import { beginRemoteForward } from './begin-remote-forward.js';
import { addCaCommand } from './ca-command.js';
import { asCarried, carryStdio } from './carry-stdio.js';
import { addDoctorCommand } from './doctor-command.js';
import { enterControl, NoAnswerError } from './enter-control.js';
import { DEFAULT_HOST, type Forward, parseForward } from './forward.js';
import { Forwards } from './forwards.js';
import { giveBackMemory } from './give-back-memory.js';
import { addInitCommand } from './init-command.js';
import { openPorts, type PortFlags } from './open-ports.js';
import type { ProxyUsers } from './proxy-users.js';
import { type ReachFlags, readReach } from './read-reach.js';
import { createReload } from './reload.js';
import { parseRemoteForward, type RemoteForwardFlags } from './remote-forward.js';
import { checkUrls, followTokens, readServers, type TokenFlags } from './server-list.js';

/** What of `program.opts()` is used here; the rest goes to the library as it is. */
interface Flags extends CommonOptions, PortFlags, ReachFlags, RemoteForwardFlags, TokenFlags {
  readonly exitOnForwardFailure?: boolean;
  readonly socksAuth?: string;
  readonly stdio?: string;
  readonly inspect?: readonly string[];
  readonly inspectOut?: string;
  readonly inspectScript?: string;
  readonly inspectSecrets?: boolean;
}

const program = new Command('wsproxy-client').description(
  'Offers SOCKS and HTTP proxying on a local port, and carries it over one WebSocket to a wsproxy-server.',
);
addOptions(program, OPTIONS, {
  address: (text) => parseListenOrUnix(text, DEFAULT_HOST),
  'socket path': (text) => parseUnixPath(text),
  'TCP address': (text) => parseListenAddress(text, DEFAULT_HOST),
  forward: parseForward,
  'remote forward': parseRemoteForward,
});
addHelpTexts(
  program,
  `
Examples:
  wsproxy-client init
  wsproxy-client wss://proxy.example.org/tunnel --token-file token
  curl -x socks5h://127.0.0.1:1080 https://example.com/
  ssh -o ProxyCommand='wsproxy-client wss://proxy.example.org/tunnel -W %h:%p' host
  wsproxy-client doctor wss://proxy.example.org/tunnel --to example.com:443

Exit codes: 0 stopped by a signal, 1 failed, 2 wrong usage, 70 a defect.`,
  `
Examples:
  wsproxy-client init
  wsproxy-client wss://proxy.example.org/tunnel --token-file ~/.config/wsproxy/token
  wsproxy-client wss://near.example.org/tunnel wss://far.example.org/tunnel
  curl -x socks5h://127.0.0.1:1080 https://example.com/
  curl -x http://127.0.0.1:1080 https://example.com/
  ssh -o ProxyCommand='wsproxy-client wss://proxy.example.org/tunnel -W %h:%p' host
  ssh -o ProxyCommand='wsproxy-client --control ~/.wsproxy -W %h:%p' host
  wsproxy-client wss://proxy.example.org/tunnel -L 5432:db.example.org:5432
  wsproxy-client wss://proxy.example.org/tunnel -R 8080:localhost:3000 -R 2222:localhost:22
  wsproxy-client doctor wss://proxy.example.org/tunnel --to example.com:443

SIGHUP without a terminal reconnects at once instead of waiting for the next try, asks for the token again, and reads the configuration file again: a -L or -R that is new there begins, one that is gone stops, and the others go on. With a terminal it ends the program, as closing the terminal does.
Exit codes: 0 stopped by a signal, 1 the server cannot be used, the port is taken or a -R is refused (with --exit-on-forward-failure), 2 wrong usage or no token, 70 a defect.`,
);
addCommonOptions(program, VERSION);
const doctor = addDoctorCommand(program, {
  screen: {
    out: (text) => process.stdout.write(text),
    progress: process.stderr.isTTY ? (text) => process.stderr.write(text) : undefined,
  },
  env: process.env,
});
const configFile = addConfigFile(program, {
  name: 'client',
  env: process.env,
  judge: async (...setting) => (await import('./check-settings.js')).checkSetting(...setting),
  judgeAll: async () => (await import('./check-settings.js')).checkSettings(program),
  alsoFor: [doctor],
});
program.action(run);
addInitCommand(program, process);
const { home, stateHome } = userFolders(process.env);
const inspectFolder = join(stateHome, 'wsproxy/inspect');
addCaCommand(program, { folder: inspectFolder, home, self: process });
addCompletionCommand(program, (text) => process.stdout.write(text));
// Not awaited: executables hold the programs as CommonJS, which has no `await` here.
void runProgram(program, process.env);

async function run(urls: readonly string[], flags: Flags, command: Command): Promise<void> {
  const { control, stdio } = flags;
  checkNoCommand(program, program.args);
  if (control !== undefined) checkControl(control);
  if (control !== undefined && stdio !== undefined && (await carryThroughControl(control, stdio, urls, flags))) return;
  let reloads = 0;
  const tell = (text: string): void => logger.warn({ text }, 'the command for the token says');
  // Here, and not before: `--help` need not wait for it.
  // In two steps: Node opens the files of one all at once, and a program with few descriptors would not start.
  await import('wsproxy-engine');
  await checkUrls(urls);
  const servers = asUsage(program, () => readServers(urls, flags, process.env, { tell, reloads: () => reloads }));
  const { Client } = await import('../client.js');
  const { checkProxyOptions } = await import('../options/method-options.js');
  const { proxyFromEnvironment } = await import('../reach/proxy-from-environment.js');
  const { checkTargets } = await import('./check-targets.js');
  // What uses -W shows its user anything that comes on standard error.
  const isQuiet = stdio !== undefined && command.getOptionValueSource('logLevel') === 'default';
  const logger = await createLogger({
    level: isQuiet ? 'warn' : flags.logLevel,
    format: flags.logFormat,
    name: 'client',
    isRare: stdio !== undefined,
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
  if (flags.inspect !== undefined) {
    const { beginInspect } = await import('./begin-inspect.js');
    const { inspect: rules, inspectOut: archive, inspectScript: script, inspectSecrets: secrets } = flags;
    await beginInspect(client, {
      rules,
      folder: inspectFolder,
      ...(archive && { archive }),
      ...(script && { script }),
      ...(secrets && { secrets }),
    });
  }
  followTokens(flags, client);
  giveBackMemory(process);
  // ssh ends its ProxyCommand by it, and a terminal that is closed what runs in it.
  const endsAtHangup = stdio !== undefined || hasTerminal();
  let reload: (() => void) | undefined;
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    onTermination(resolve);
    process.on('SIGHUP', () => {
      if (endsAtHangup) return resolve('SIGHUP');
      reloads += 1;
      client.renew();
      reload?.();
    });
  });
  try {
    if (stdio === undefined) {
      const forwards = new Forwards(beginForward(client));
      const keepTrying = flags.exitOnForwardFailure !== true;
      const remoteForwards = new Forwards(beginRemoteForward(client, flags, { keepTrying: true }));
      const opened = openPorts(flags, { client, forwards, users, logger });
      const connected = opened.then(() => connect(client, servers.url));
      // Why there is no server is told before what it would refuse.
      const asked = (keepTrying ? opened : connected).then(() =>
        remoteForwards.open((flags.remoteForward ?? []).flat(), beginRemoteForward(client, flags, { keepTrying })),
      );
      reload = createReload({ file: configFile, forwards, remoteForwards, flags, logger }, asked);
      await Promise.race([stopped, Promise.all([connected, asked])]);
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
    throw new ExitError(ExitCode.failed, `${hideWispToken(url)}: ${(error as ConnectError).message}`, { cause: error });
  }
}

function checkListen(check: () => void, at: Forward['at']): void {
  try {
    check();
  } catch (error) {
    const text = `--listen ${formatListenAddress(at)}: ${(error as Error).message}; give --socks-auth FILE`;
    throw new ExitError(ExitCode.usage, text);
  }
}

/** Resolves when both ends have ended their half, and the server has had everything. */
function carryStandardStreams(client: Client, target: string): Promise<void> {
  return asCarried(
    target,
    client.pipe(target, process.stdin, standardOutput()).then(() => client.whenIdle()),
  );
}

/** False when no client answers there, and there is a server for one of its own. */
async function carryThroughControl(
  path: string,
  target: string,
  urls: readonly string[],
  flags: Flags,
): Promise<boolean> {
  let stream: Duplex;
  try {
    stream = await enterControl(path, target);
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    if (urls.length > 0) return false;
    const { checkTargets } = await import('./check-targets.js');
    asUsage(program, () => checkTargets(flags));
    const what = `${error.message}; ${error.cure}, or give the URL of a server`;
    throw new ExitError(ExitCode.failed, `nobody answers at --control ${path}: ${what}`);
  }
  await carryStdio(stream, target, process);
  return true;
}

function checkControl(path: string): void {
  if (process.platform === 'win32') {
    throw new ExitError(ExitCode.usage, '--control: there is no such socket on Windows');
  }
  try {
    checkSocket(path, `--control ${path}`);
  } catch (error) {
    // Anyone who comes first may listen where there is none.
    if (error instanceof ExitError) throw error;
  }
}
