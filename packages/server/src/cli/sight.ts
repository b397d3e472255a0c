import {
  explainListenError,
  formatListenAddress,
  type ListenAddress,
  type ProgramLogger,
  type UnixAddress,
} from 'wsproxy-cli';
import { listenOnUnixSocket } from 'wsproxy-node/sockets';
import type { Admin, AdminOptions, Health, Server } from '../index.js';

/** Where an operator sees what the server does. */
export interface SightFlags {
  readonly admin?: ListenAddress | UnixAddress;
  readonly health?: ListenAddress | UnixAddress;
  /** Names that the pages may be asked by besides. */
  readonly adminHost?: readonly string[];
}

/** Makes the pages of `server`. */
export async function pagesOf(server: Server): Promise<PageMakers> {
  const { createAdmin, createHealth } = await import('../index.js');
  return { health: (options) => createHealth(server, options), admin: (options) => createAdmin(server, options) };
}

/** Who makes the pages, if they are asked for. */
export interface PageMakers {
  readonly health: (options: PageOptions) => Health | Promise<Health>;
  readonly admin: (options: PageOptions) => Admin | Promise<Admin>;
}

export type PageOptions = Required<AdminOptions>;

/** Opens the pages that were asked for. Throws an ExitError when a place cannot be had. */
export async function serveSight(make: PageMakers, flags: SightFlags, logger: ProgramLogger): Promise<Sight> {
  const { health, admin, adminHost: hosts = [] } = flags;
  const served: Served[] = [];
  if (health !== undefined) served.push(await serve(await make.health({ logger, hosts }), 'health', health, logger));
  if (admin !== undefined) served.push(await serve(await make.admin({ logger, hosts }), 'admin', admin, logger));
  return {
    listening: Object.fromEntries(served.map(({ name, at }) => [name, at])),
    close: async () => void (await Promise.all(served.map(({ pages }) => pages.close()))),
  };
}

/** The pages that are served. */
export interface Sight {
  /** Where, for the log. */
  readonly listening: { readonly health?: string; readonly admin?: string };
  close(): Promise<void>;
}

interface Served {
  readonly pages: Health;
  readonly name: 'health' | 'admin';
  readonly at: string;
}

async function serve(
  pages: Health,
  name: Served['name'],
  where: ListenAddress | UnixAddress,
  logger: ProgramLogger,
): Promise<Served> {
  const listen = () => pages.listen(where);
  try {
    const address = await ('path' in where ? listenOnUnixSocket(where.path, listen) : listen());
    const at = formatListenAddress(address === undefined ? where : { host: address.address, port: address.port });
    logger.info({ [name]: at }, `${name} pages are up`);
    return { pages, name, at };
  } catch (error) {
    throw explainListenError(error as Error, where, `--${name}`);
  }
}
