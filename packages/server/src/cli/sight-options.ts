import { type Command, Option } from 'commander';
import {
  explainListenError,
  formatListenAddress,
  type ListenAddress,
  listenOnUnixSocket,
  type ProgramLogger,
  parseListenOrUnix,
  type UnixAddress,
} from 'wsproxy-cli';
import type { Health, Server } from '../index.js';

/** What an operator sees of the server, and what it writes down. */
export interface SightOptions {
  readonly admin?: ListenAddress | UnixAddress;
  readonly health?: ListenAddress | UnixAddress;
  /** False with `--no-access-log`. */
  readonly accessLog: boolean;
}

export function addSightOptions(program: Command): void {
  program
    .addOption(
      new Option(
        '--admin <[host:]port>',
        'where to serve /metrics, /healthz, /readyz and /sessions; off unless given; unix:/path works too',
      ).argParser((text) => parseListenOrUnix(text, '127.0.0.1')),
    )
    .addOption(
      new Option(
        '--health <[host:]port>',
        'where to serve /healthz and /readyz besides, for probes: no flood of the other ports reaches it; unix:/path works too',
      ).argParser((text) => parseListenOrUnix(text, '127.0.0.1')),
    )
    .option('--no-access-log', 'log no line per connection, and nothing of what users connect to');
}

/** Opens the pages of `server` that were asked for. Throws an ExitError when a place cannot be had. */
export async function serveSight(
  server: Server,
  { health, admin }: SightOptions,
  logger: ProgramLogger,
): Promise<readonly Health[]> {
  const { createAdmin, createHealth } = await import('../index.js');
  const pages: Health[] = [];
  if (health !== undefined) pages.push(await serve(createHealth(server, { logger }), 'health', health, logger));
  if (admin !== undefined) pages.push(await serve(await createAdmin(server, { logger }), 'admin', admin, logger));
  return pages;
}

async function serve(
  pages: Health,
  name: 'health' | 'admin',
  where: ListenAddress | UnixAddress,
  logger: ProgramLogger,
): Promise<Health> {
  const listen = () => pages.listen(where);
  try {
    const address = await ('path' in where ? listenOnUnixSocket(where.path, listen) : listen());
    const at = address === undefined ? where : { host: address.address, port: address.port };
    logger.info({ [name]: formatListenAddress(at) }, `${name} pages are up`);
    return pages;
  } catch (error) {
    throw explainListenError(error as Error, where, `--${name}`);
  }
}
