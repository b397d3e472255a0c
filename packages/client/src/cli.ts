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
import type { Client, ConnectError } from './index.js';

interface Options extends CommonOptions {
  readonly listen: ListenAddress;
  readonly tokenFile?: string;
  readonly insecure?: boolean;
  readonly grace: number;
  readonly connections: number;
  readonly optimistic?: boolean;
}

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_LISTEN = `${DEFAULT_HOST}:1080`;

const program = new Command('wsproxy-client')
  .description('Offers SOCKS and HTTP proxying on a local port, and carries it over one WebSocket to a wsproxy-server.')
  .argument('<url>', 'the server: wss://host[:port]/path')
  .addOption(
    new Option('--listen <[host:]port>', 'where to offer SOCKS5, SOCKS4a and HTTP proxying')
      .argParser(parseListen)
      .default(parseListen(DEFAULT_LISTEN), DEFAULT_LISTEN),
  )
  .option('--token-file <file>', 'file with the token of the server; WSPROXY_TOKEN is the other way')
  .option('--insecure', 'allow ws:// to other than loopback, where everybody on the way can read the token')
  .addOption(
    new Option('--grace <duration>', 'how long connections survive without a way to the server')
      .argParser(parseDuration)
      .default(120_000, '2m'),
  )
  .option('--connections <number>', 'WebSockets to spread the connections over', Number, 1)
  .option('--optimistic', 'answer applications before the destination was dialled; a failure is then a reset')
  .addHelpText(
    'after',
    `
Examples:
  wsproxy-client wss://proxy.example.org/tunnel --token-file ~/.config/wsproxy/token
  curl -x socks5h://127.0.0.1:1080 https://example.com/
  curl -x http://127.0.0.1:1080 https://example.com/

SIGHUP reconnects at once instead of waiting for the next try.
Exit codes: 0 stopped by a signal, 1 the server cannot be used or the port is taken, 2 wrong usage or no token,
70 a defect.`,
  );
addCommonOptions(program, new URL('../package.json', import.meta.url));
program.action(run);
await runProgram(program);

async function run(url: string, options: Options): Promise<void> {
  const token = readToken({ file: options.tokenFile, env: process.env['WSPROXY_TOKEN'] });
  // After the arguments were judged: `--help` and a missing token need not wait for the rest.
  const { Client, ConnectError } = await import('./index.js');
  const logger = await createLogger({ level: options.logLevel, format: options.logFormat, name: 'client' });
  const { insecure = false, grace, connections, optimistic = false } = options;

  let client: Client;
  try {
    client = new Client({ url, token, insecure, grace, connections, optimistic, logger });
  } catch (error) {
    if (error instanceof TypeError) throw new ExitError(ExitCode.usage, error.message);
    throw error;
  }
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    onTermination(resolve);
  });
  process.on('SIGHUP', () => client.reconnectNow());

  const first = await Promise.race([client.connect().catch((error: ConnectError) => error), stopped]);
  if (first instanceof ConnectError) throw new ExitError(ExitCode.failed, `${url}: ${first.message}`);
  if (first === undefined) {
    try {
      const { address } = await client.listen(options.listen);
      logger.info({ listen: formatListenAddress({ host: address.address, port: address.port }) }, 'ready');
    } catch (error) {
      await client.close();
      throw explainListenError(error as Error, options.listen);
    }
  }
  logger.info({ signal: await stopped }, 'stopping');
  await client.close();
}

function parseListen(text: string): ListenAddress {
  return parseListenAddress(text, DEFAULT_HOST);
}
