import { formatTarget } from 'wsproxy-engine';
import { formatProxy, ProxyError } from 'wsproxy-node/dial/upstream';
import type { ServerAddress } from '../reach/connect-transport.js';
import { describeProxyFailure } from '../reach/describe-failure.js';
import { openRaw } from '../reach/open-socket.js';
import { targetOf } from '../reach/server-url.js';
import { type Finding, failed, ok, skip } from './finding.js';

/** Whether the proxy on the way, if there is one, leads to the server. */
export async function checkProxy(server: ServerAddress, signal: AbortSignal, timeout: number): Promise<Finding> {
  const { proxy, names } = server.reach;
  if (proxy === undefined) return skip('there is none on the way');
  const start = performance.now();
  try {
    (await openRaw(server.url, server.reach, signal, timeout)).destroy();
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    const finding = failed(describeProxyFailure(error, server.reach));
    return { cure: `check ${names.proxy}, HTTPS_PROXY and ALL_PROXY, or ask who runs the proxy`, ...finding };
  }
  const connectMs = Math.round(performance.now() - start);
  return ok(`${formatProxy(proxy)} leads to ${formatTarget(targetOf(server.url))}, after ${connectMs} ms`, {
    connectMs,
  });
}
