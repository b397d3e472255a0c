import { formatTarget } from 'wsproxy-engine';
import type { ConnectError } from 'wsproxy-engine/connector';
import { formatProxy, ProxyError } from 'wsproxy-node/dial/upstream';
import { passesRequests, type ServerAddress } from '../reach/connect-transport.js';
import { describeProxyFailure } from '../reach/describe-failure.js';
import { openRaw } from '../reach/open-socket.js';
import type { OptionNames } from '../reach/option-names.js';
import { isOfTunnels } from '../reach/race.js';
import { targetOf } from '../reach/server-url.js';
import type { Way } from '../reach/ways.js';
import { BY_ITSELF, type Finding, failed, ok, skip, warn } from './finding.js';

/**
 * Whether the proxy on the way, if there is one, leads to the server. Where it opens no tunnel it may pass ordinary requests on: what
 * becomes of those of `ways` the next steps tell.
 */
export async function checkProxy(
  server: ServerAddress,
  ways: readonly Way[],
  signal: AbortSignal,
  timeout: number,
): Promise<Finding> {
  const { proxy } = server.reach;
  if (proxy === undefined) return skip('there is none on the way');
  const start = performance.now();
  try {
    (await openRaw(server.url, server.reach, signal, timeout)).destroy();
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    const failure = describeProxyFailure(error, server.reach);
    const hasOther = passesRequests(server) && ways.some(({ kind }) => kind === 'http');
    if (hasOther && isOfTunnels(error)) return warn(`${failure.what}; ordinary requests may pass`, BY_ITSELF);
    return failedAtProxy(failure, server.reach.names);
  }
  const connectMs = Math.round(performance.now() - start);
  return ok(`${formatProxy(proxy)} leads to ${formatTarget(targetOf(server.url))}, after ${connectMs} ms`, {
    connectMs,
  });
}

/** The proxy on the way is what is wrong. */
export function failedAtProxy(failure: ConnectError, { proxy }: OptionNames): Finding {
  return { cure: `check ${proxy}, HTTPS_PROXY and ALL_PROXY, or ask who runs the proxy`, ...failed(failure) };
}
