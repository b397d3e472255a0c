import { explainListenError, formatListenAddress } from 'wsproxy-cli';
import { listenOnUnixSocket } from 'wsproxy-node/sockets';
import type { LocalPort } from '../index.js';
import type { Forward } from './forward.js';

/** The port that `open` opens at `at`, and where it listens, for the log. Rejects with ExitError that names `flag`. */
export async function openPort(
  at: Forward['at'],
  flag: string,
  open: () => Promise<LocalPort>,
): Promise<{ readonly port: LocalPort; readonly where: string }> {
  try {
    if ('path' in at) return { port: await listenOnUnixSocket(at.path, open), where: formatListenAddress(at) };
    const port = await open();
    const { address } = port;
    return { port, where: formatListenAddress({ host: address.address, port: address.port }) };
  } catch (error) {
    throw explainListenError(error as Error, at, flag);
  }
}
