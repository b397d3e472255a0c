import type { SocketConnectOpts, TcpSocketConnectOpts } from 'node:net';
import { parseAuthority, type Target } from 'wsproxy-engine';

/**
 * The target in what `connect` of `net.Socket` takes: a port and a host, or an object with both. Anything else that stands in such
 * an object is about this machine, and changes nothing.
 * @throws TypeError when that is no port and host, such as a path, which would be one of this machine
 */
export function connectTarget(to: ConnectTo, second?: string | Listener): Target {
  const [port, host = 'localhost'] = typeof to === 'object' ? portAndHost(to) : [to, nameIn(second)];
  const target = parseAuthority(`${host.includes(':') ? `[${host}]` : host}:${port}`);
  if (target === undefined) throw new TypeError(`expected a port and a host: ${JSON.stringify([port, host])}`);
  return target;
}

/** Without a host it is `localhost`, which is that of the server. */
export type ConnectTo = number | string | SocketConnectOpts;

export type Listener = () => void;

function nameIn(host: string | Listener | undefined): string | undefined {
  return typeof host === 'string' ? host : undefined;
}

function portAndHost({
  port,
  host,
}: Partial<TcpSocketConnectOpts>): [port: number | undefined, host: string | undefined] {
  return [port, host];
}
