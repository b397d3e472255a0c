import {
  explainListenError,
  formatListenAddress,
  type ListenAddress,
  listenOnUnixSocket,
  type ProgramLogger,
  type UnixAddress,
} from 'wsproxy-cli';
import type { Health, Server } from '../index.js';

/** Where an operator sees what the server does. */
export interface SightFlags {
  readonly admin?: ListenAddress | UnixAddress;
  readonly health?: ListenAddress | UnixAddress;
}

/** Opens the pages of `server` that were asked for. Throws an ExitError when a place cannot be had. */
export async function serveSight(
  server: Server,
  { health, admin }: SightFlags,
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
