import type { ListenAddress, ProgramLogger } from 'wsproxy-cli';
import type { Client } from '../index.js';
import { DEFAULT_HOST, type Forward } from './forward.js';
import type { Forwards } from './forwards.js';
import { openPort } from './open-port.js';
import type { ProxyUsers } from './proxy-users.js';
import type { ForwardFlags } from './reload.js';

/** What local applications use, as the command line says it. */
export interface PortFlags extends ForwardFlags {
  /** By default at DEFAULT_LISTEN, unless something else is asked for. */
  readonly listen?: readonly Forward['at'][];
  /** Path of a Unix socket. */
  readonly control?: string;
  readonly udpAdvertise?: string;
  readonly status?: ListenAddress;
}

export interface PortContext {
  readonly client: Client;
  readonly forwards: Forwards<Forward>;
  readonly users: ProxyUsers;
  readonly logger: ProgramLogger;
}

/** All of it is there before the first connection to the server, since applications do not come back for it. */
export async function openPorts(flags: PortFlags, context: PortContext): Promise<void> {
  const { client, forwards, users, logger } = context;
  const { control, forward = [], remoteForward = [], status, udpAdvertise } = flags;
  const isForOthers = forward.length > 0 || remoteForward.length > 0 || control !== undefined;
  const { listen = isForOthers ? [] : [DEFAULT_LISTEN] } = flags;
  const listening: string[] = [];
  for (const at of listen) {
    const { where } = await openPort(at, '--listen', () => client.listen({ ...at, users, udpAdvertise }));
    listening.push(where);
  }
  const forwarded = await forwards.open(forward.flat());
  const ready = {
    ...(listening.length > 0 && { listen: listening.join(', ') }),
    ...(forwarded.length > 0 && { forward: forwarded.join(', ') }),
    ...(control !== undefined && { control: await openControl(client, control) }),
  };
  if (status !== undefined) {
    const { where } = await openPort(status, '--status', () => client.serveStatus(status));
    logger.info({ url: `http://${where}/` }, 'status page');
  }
  logger.info(ready, 'ready');
}

const DEFAULT_LISTEN: ListenAddress = { host: DEFAULT_HOST, port: 1080 };

async function openControl(client: Client, path: string): Promise<string> {
  const { where } = await openPort({ path }, '--control', () => client.serveControl({ path }));
  return where;
}
