import { Command } from 'commander';
import {
  addCommonOptions,
  addConfigFile,
  addOptions,
  asUsage,
  type CommonOptions,
  createLogger,
  libraryOptions,
  onTermination,
  parseListenAddress,
  parseListenOrUnix,
  runProgram,
} from 'wsproxy-cli';
import { load } from '../load.js';
import { OPTIONS } from '../options/options.js';
import { checkReverse, type ReverseFlags } from './check-reverse.js';
import { type ClusterFlags, checkPeer, joinCluster, nodeDoor, readClusterTls } from './cluster-flags.js';
import { findCredentials, type UserFlags } from './credentials.js';
import { followUsers } from './follow-users.js';
import { parseHostName } from './host-name.js';
import { type ListenAt, listen, listenReverseHttp, parseListen } from './listen.js';
import { checkQuotaPlace } from './quota-place.js';
import { parseServerName } from './server-name.js';
import { type SightFlags, serveSight } from './sight.js';
import { followTls, readTls, type TlsFlags, tlsFiles } from './tls-files.js';
import { addTokenCommand } from './token-command.js';

/** What of `program.opts()` is used here; the rest goes to the library as it is. */
interface Flags extends CommonOptions, TlsFlags, SightFlags, UserFlags, ReverseFlags, ClusterFlags {
  readonly listen: ListenAt;
  readonly path: string;
  readonly allowPrivate?: boolean;
  readonly drain: number;
  readonly quotaFile?: string;
  readonly name?: string;
}

const program = new Command('wsproxy-server').description(
  'The far end of the tunnel: accepts WebSockets, dials what its clients ask for.',
);
addOptions(program, OPTIONS, {
  address: (text) => parseListenOrUnix(text, '127.0.0.1'),
  'server address': parseListen,
  'TCP address': (text) => parseListenAddress(text, '127.0.0.1'),
  peer: checkPeer,
  name: parseHostName,
  'server name': parseServerName,
});
program.addHelpText(
  'after',
  `
Examples:
  WSPROXY_TOKEN=$(head -c 32 /dev/urandom | base64) wsproxy-server
  wsproxy-server --listen 127.0.0.1:8080 --path /tunnel --token-file /etc/wsproxy/token
  wsproxy-server token --id alice
  wsproxy-server --users /etc/wsproxy/users.yaml
  wsproxy-server --listen 0.0.0.0:443 --tls-cert fullchain.pem --tls-key privkey.pem --token-file token

SIGHUP reads the files of --users, --token-file, --tls-cert and --cluster-cert again, as does a change of them; it never
ends the server.
Put a TLS reverse proxy in front before you let the Internet reach it, or give --tls-cert and --tls-key.
Exit codes: 0 stopped by a signal, 1 cannot listen, 2 wrong usage or no token, 70 a defect.`,
);
addCommonOptions(program, new URL('../../package.json', import.meta.url));
addConfigFile(program, {
  name: 'server',
  env: process.env,
  judge: async (...setting) => (await import('./check-settings.js')).checkSetting(...setting),
  judgeAll: async () => (await import('./check-settings.js')).checkSettings(program),
});
addTokenCommand(program, (text) => process.stdout.write(text));
program.action(serve);
await runProgram(program);

async function serve(flags: Flags): Promise<void> {
  // First of all: without a handler the signal would end the process, whatever there is to read again.
  const reloads: (() => void)[] = [];
  process.on('SIGHUP', () => {
    for (const reload of reloads) reload();
  });
  const credentials = await findCredentials(flags, process.env['WSPROXY_TOKEN']);
  const users = credentials.read();
  // After the arguments were judged: `--help` and a missing token need not wait for the rest.
  const { VERSION } = await import('wsproxy-engine');
  const { createServer } = await load();
  const logger = await createLogger({
    level: flags.logLevel,
    format: flags.logFormat,
    name: 'server',
    ...(flags.name !== undefined && { fields: { server: flags.name } }),
  });
  const files = asUsage(program, () => tlsFiles(flags));
  const tls = files && readTls(files);
  if (flags.quotaFile !== undefined) checkQuotaPlace(flags.quotaFile);
  asUsage(program, () => checkReverse(flags));
  const door = asUsage(program, () => nodeDoor(flags));
  const clusterTls = door && asUsage(program, () => readClusterTls(door.files));
  const server = asUsage(program, () =>
    createServer({ users, ...libraryOptions(program), ...(tls && { tls }), logger }),
  );
  if (files && tls) reloads.push(followTls(files, tls, server, logger));
  if (credentials.file !== undefined) reloads.push(followUsers(credentials, server, logger));

  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    onTermination(resolve);
  });
  // First there and last gone: it tells that the server is not ready yet, and that it drains.
  const sight = await serveSight(server, flags, logger);
  const cluster = door && clusterTls && (await joinCluster(server, door, clusterTls, logger));
  if (cluster !== undefined) reloads.push(cluster.reload);
  if (reloads.length === 0) reloads.push(() => logger.info({}, 'SIGHUP: there is no file to read again'));
  // Clients that come may ask for names at once.
  const reverseHttp = flags.reverseHttp && (await listenReverseHttp(server, flags.reverseHttp));
  const ready = {
    ...{ version: VERSION, node: process.versions.node, users: users.length },
    ...{ listen: await listen(server, flags.listen, process), path: flags.path, tls: tls !== undefined },
    ...{ ...sight.listening, allowPrivate: flags.allowPrivate === true, udp: server.hasFlows },
    reverse: flags.reverse === true,
    ...(reverseHttp !== undefined && { reverseHttp }),
    ...(cluster !== undefined && { route: server.route, cluster: cluster.at }),
  };
  logger.info(ready, 'ready');
  const signal = await stopped;
  const flows = server.sessions().reduce((count, session) => count + session.flows.length, 0);
  logger.info({ signal, channels: server.channelCount, flows, drainMs: flags.drain }, 'stopping');
  const unfinished = await server.close({ drain: flags.drain });
  if (unfinished > 0) logger.warn({ channels: unfinished }, 'connections were cut that did not finish in time');
  await sight.close();
}
