import { Command, Option } from 'commander';
import {
  addCommonOptions,
  addConfigFile,
  type CommonOptions,
  createLogger,
  onTermination,
  parseDuration,
  runProgram,
} from 'wsproxy-cli';
import { asUsage } from './as-usage.js';
import { addEgressOptions, type EgressFlags, egressOf } from './egress-options.js';
import { addFrontOptions, type FrontOptions, frontSettings } from './front-options.js';
import { addLimitOptions, limitsOf } from './limit-options.js';
import { listen } from './listen.js';
import { addPolicyOptions, type PolicyOptions, rulesOf } from './policy-options.js';
import { addSightOptions, type SightOptions, serveSight } from './sight-options.js';
import { followTls, readTls, tlsFiles } from './tls-files.js';
import { addTokenCommand, addUserOptions, readCredentials, type UserOptions } from './user-options.js';

interface Options extends CommonOptions, FrontOptions, PolicyOptions, EgressFlags, SightOptions, UserOptions {
  readonly grace: number;
  readonly drain: number;
}

const program = new Command('wsproxy-server').description(
  'The far end of the tunnel: accepts WebSockets, dials what its clients ask for.',
);
addFrontOptions(program);
addUserOptions(program);
addPolicyOptions(program);
addEgressOptions(program);
program
  .addOption(
    new Option('--grace <duration>', 'how long connections survive without a way to the client')
      .argParser(parseDuration)
      .default(120_000, '2m'),
  )
  .addOption(
    new Option('--drain <duration>', 'how long running connections may take to finish after SIGTERM or SIGINT')
      .argParser(parseDuration)
      .default(30_000, '30s'),
  )
  .addHelpText(
    'after',
    `
Examples:
  WSPROXY_TOKEN=$(head -c 32 /dev/urandom | base64) wsproxy-server
  wsproxy-server --listen 127.0.0.1:8080 --path /tunnel --token-file /etc/wsproxy/token
  wsproxy-server token --id alice
  wsproxy-server --users /etc/wsproxy/users.yaml
  wsproxy-server --listen 0.0.0.0:443 --tls-cert fullchain.pem --tls-key privkey.pem --token-file token

Put a TLS reverse proxy in front before you let the Internet reach it, or give --tls-cert and --tls-key.
Exit codes: 0 stopped by a signal, 1 cannot listen, 2 wrong usage or no token, 70 a defect.`,
  );
addSightOptions(program);
addLimitOptions(program);
addCommonOptions(program, new URL('../../package.json', import.meta.url));
addConfigFile(program, { name: 'server', env: process.env });
addTokenCommand(program, (text) => process.stdout.write(text));
program.action(serve);
await runProgram(program);

async function serve(options: Options): Promise<void> {
  const credentials = await readCredentials(options, process.env['WSPROXY_TOKEN']);
  // After the arguments were judged: `--help` and a missing token need not wait for the rest.
  // In two steps: Node opens the files of one all at once, and a program with few descriptors would not start.
  await import('wsproxy-engine');
  const { createServer, OptionError } = await import('../index.js');
  const logger = await createLogger({ level: options.logLevel, format: options.logFormat, name: 'server' });
  const files = tlsFiles(options);
  const tls = files && readTls(files);
  const server = asUsage(OptionError, () =>
    createServer({
      ...credentials,
      ...frontSettings(options, tls),
      ...rulesOf(options),
      egress: egressOf(options),
      grace: options.grace,
      limits: limitsOf(options),
      logger,
      accessLog: options.accessLog,
    }),
  );
  if (files && tls) process.on('SIGHUP', followTls(files, tls, server, logger));

  if (options.users !== undefined) {
    const { followUsers } = await import('./follow-users.js');
    process.on('SIGHUP', followUsers(options.users, server, logger));
  }

  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    onTermination(resolve);
  });
  // First there and last gone: it tells that the server is not ready yet, and that it drains.
  const pages = await serveSight(server, options, logger);
  logger.info({ listen: await listen(server, options.listen, process), path: options.path }, 'ready');
  logger.info({ signal: await stopped, channels: server.channelCount, drainMs: options.drain }, 'stopping');
  const unfinished = await server.close({ drain: options.drain });
  if (unfinished > 0) logger.warn({ channels: unfinished }, 'connections were cut that did not finish in time');
  await Promise.all(pages.map((each) => each.close()));
}
