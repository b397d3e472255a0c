import { Command, Option } from 'commander';
import {
  addCommonOptions,
  type CommonOptions,
  createLogger,
  ExitCode,
  ExitError,
  explainListenError,
  formatListenAddress,
  type ListenAddress,
  onTermination,
  parseDuration,
  parseListenAddress,
  readToken,
  runProgram,
} from 'wsproxy-cli';

interface Options extends CommonOptions {
  readonly listen: ListenAddress;
  readonly path: string;
  readonly tokenFile?: string;
  readonly allowPrivate?: boolean;
  readonly grace: number;
  readonly drain: number;
}

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_LISTEN = `${DEFAULT_HOST}:8080`;

const program = new Command('wsproxy-server')
  .description('The far end of the tunnel: accepts WebSockets, dials what its clients ask for.')
  .addOption(
    new Option('--listen <[host:]port>', 'where to accept WebSockets')
      .argParser(parseListen)
      .default(parseListen(DEFAULT_LISTEN), DEFAULT_LISTEN),
  )
  .option('--path <path>', 'the one path that is served, anything else is 404', parsePath, '/')
  .option('--token-file <file>', 'file with the token that clients must present; WSPROXY_TOKEN is the other way')
  .option('--allow-private', 'allow destinations on loopback, private and link-local addresses')
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

Put a TLS reverse proxy in front before you let the Internet reach it.
Exit codes: 0 stopped by a signal, 1 cannot listen, 2 wrong usage or no token, 70 a defect.`,
  );
addCommonOptions(program, new URL('../package.json', import.meta.url));
program.action(serve);
await runProgram(program);

async function serve(options: Options): Promise<void> {
  const token = readToken({ file: options.tokenFile, env: process.env['WSPROXY_TOKEN'] });
  // After the arguments were judged: `--help` and a missing token need not wait for the rest.
  const { Server } = await import('./index.js');
  const logger = await createLogger({ level: options.logLevel, format: options.logFormat, name: 'server' });
  const { path, allowPrivate = false, grace } = options;
  const server = new Server({ token, path, allowPrivate, grace, logger });

  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    onTermination(resolve);
  });
  try {
    const { address, port } = await server.listen(options.listen);
    logger.info({ listen: formatListenAddress({ host: address, port }), path }, 'ready');
  } catch (error) {
    throw explainListenError(error as Error, options.listen);
  }
  logger.info({ signal: await stopped, channels: server.channelCount, drainMs: options.drain }, 'stopping');
  const unfinished = await server.drain(options.drain);
  if (unfinished > 0) logger.warn({ channels: unfinished }, 'connections were cut that did not finish in time');
  await server.close();
}

function parseListen(text: string): ListenAddress {
  return parseListenAddress(text, DEFAULT_HOST);
}

function parsePath(text: string): string {
  if (/^\/[\x21-\x7e]*$/.test(text) && !/[?#]/.test(text)) return text;
  throw new ExitError(ExitCode.usage, `--path ${JSON.stringify(text)}: expected a path such as /tunnel`);
}
