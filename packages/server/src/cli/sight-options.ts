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
import type { Admin, Server } from '../index.js';

/** What an operator sees of the server, and what it writes down. */
export interface SightOptions {
  readonly admin?: ListenAddress | UnixAddress;
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
    .option('--no-access-log', 'log no line per connection, and nothing of what users connect to');
}

/** Opens the admin pages of `server` at `where`. Throws an ExitError when that cannot be had. */
export async function serveAdmin(
  server: Server,
  where: ListenAddress | UnixAddress,
  logger: ProgramLogger,
): Promise<Admin> {
  const { createAdmin } = await import('../index.js');
  const admin = await createAdmin(server, { logger });
  const listen = () => admin.listen(where);
  try {
    const address = await ('path' in where ? listenOnUnixSocket(where.path, listen) : listen());
    const at = address === undefined ? where : { host: address.address, port: address.port };
    logger.info({ admin: formatListenAddress(at) }, 'admin pages are up');
    return admin;
  } catch (error) {
    throw explainListenError(error as Error, where, '--admin');
  }
}
