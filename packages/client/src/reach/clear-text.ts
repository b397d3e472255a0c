import { isIP, type Socket } from 'node:net';
import { isLoopback, type Target } from 'wsproxy-engine';
import { ConnectError } from 'wsproxy-engine/connector';
import { OptionError } from 'wsproxy-node/options';
import { describeFailure } from './describe-failure.js';
import type { OptionNames } from './option-names.js';
import { targetOf } from './server-url.js';

/** What `localhost` is. Other addresses of 127.0.0.0/8 are often given to tunnels and jails, which lead elsewhere. */
const LOCALHOST: readonly string[] = ['127.0.0.1', '::1'];

/** What of a `Reach` says where bytes go. */
interface Way {
  readonly proxy?: Target;
  readonly addresses: ReadonlyMap<string, string>;
  /** Anyone who is on the way may read them. */
  readonly insecure: boolean;
  readonly names: OptionNames;
}

function cureFor({ insecure }: OptionNames): string {
  return `use wss://, or ${insecure} if the way is safe by itself`;
}

/** Throws OptionError when it is known before anything is dialled that the token would leave this machine in clear. */
export function checkClearText(url: URL, { proxy, addresses, insecure, names }: Way): void {
  if (url.protocol !== 'ws:' || insecure) return;
  if (proxy !== undefined) {
    if (isProxyOfLocalhost(url, proxy)) return;
    throw new OptionError(
      'url',
      `ws:// through a proxy would send the token in clear: use wss://, ${names.noProxy}, or ${names.insecure}`,
    );
  }
  const { host, port } = targetOf(url);
  // What is an address already is dialled as it stands.
  const known = isIP(host) === 0 ? addresses.get(`${host}:${port}`) : undefined;
  if (known === undefined ? isLoopback(host) : LOCALHOST.includes(known)) return;
  const where = known === undefined ? url.hostname : `${url.hostname}, which is ${known},`;
  throw new OptionError('url', `ws:// to ${where} would send the token in clear: ${cureFor(names)}`);
}

/**
 * Whether nobody on the way reads what goes over `socket`, which leads to the server: it is in TLS, or stays on this
 * machine. Where it was dialled tells, not what the server is called: a name is what the system makes of it.
 * Throws ConnectError when somebody does, and nobody has said that it may be so.
 */
export function checkPrivacy(url: URL, { proxy, insecure, names }: Way, socket: Socket): boolean {
  if (url.protocol === 'wss:') return true;
  const { remoteAddress } = socket;
  if (remoteAddress === undefined) throw describeFailure(new Error('the connection was closed at once'), { names });
  if (proxy === undefined && isLoopback(remoteAddress)) return true;
  if (insecure || (proxy !== undefined && isProxyOfLocalhost(url, proxy))) return false;
  throw new ConnectError(`${url.hostname} is ${remoteAddress}, and ws:// would send the token there in clear`, true, {
    cure: cureFor(names),
    code: 'NOT_TRUSTED',
  });
}

/** A proxy on this machine that dials an address of this machine: no more of the way is unknown than with `ssh -L`. */
function isProxyOfLocalhost(url: URL, proxy: Target): boolean {
  return [proxy.host, targetOf(url).host].every((host) => LOCALHOST.includes(host));
}
