import type { ConnectionOptions, TLSSocket } from 'node:tls';
// biome-ignore lint/suspicious/noTsIgnore: in the types of the package, where it is an error for those alone who have no undici.
/** @ts-ignore Who does not use it need not have it. */
import type { Agent, buildConnector } from 'undici';
import { parseHost } from 'wsproxy-engine';
import { secureStream } from './secure-stream.js';
import type { Connect } from './tunnel-agent.js';
import type { TunnelSocket } from './tunnel-socket.js';

/**
 * For the `dispatcher` of undici and of `fetch`: each connection is a channel. `undici` must be installed by anyone who
 * calls this.
 */
export async function createDispatcher(open: Connect, options: DispatcherOptions = {}): Promise<Agent> {
  const { Agent } = await import('undici');
  const { tls = {}, ...rest } = options;
  const connect = (to: buildConnector.Options, callback: buildConnector.Callback): void => {
    connectTo(open, to, tls).then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, null),
    );
  };
  return new Agent({ ...rest, connect });
}

/** Those of undici's `Agent`, but how it connects. */
export interface DispatcherOptions extends Omit<Agent.Options, 'connect' | 'tls'> {
  /** For https: `ca`, `cert`, `key` and so on, as for `tls.connect`. */
  readonly tls?: ConnectionOptions;
}

async function connectTo(
  open: Connect,
  to: buildConnector.Options,
  tls: ConnectionOptions,
): Promise<TunnelSocket | TLSSocket> {
  const isSecure = to.protocol === 'https:';
  const host = parseHost(to.hostname) ?? to.hostname;
  const stream = await open({ host, port: Number(to.port) || (isSecure ? 443 : 80) });
  if (!isSecure) return stream;
  const { servername } = to;
  const secured = secureStream(stream, host, {
    ALPNProtocols: ['http/1.1'],
    ...(servername && { servername }),
    ...tls,
  });
  return new Promise((resolve, reject) => {
    secured.once('error', reject).once('secureConnect', () => {
      secured.off('error', reject);
      resolve(secured);
    });
  });
}
