import { type FlowTunnel, isLoopback, silentLogger, type Tunnel } from 'wsproxy-engine';
import { acceptLocal, type Endpoint, type LocalPort } from './accept-local.js';
import { createProxyService, type ProxyServiceOptions } from './proxy-service.js';

/**
 * Accepts local applications that speak SOCKS5, SOCKS4, SOCKS4a or HTTP; their connections and datagrams go through
 * `tunnel`. Rejects with the error of `net.Server` if it cannot listen.
 */
export async function listenLocal(tunnel: Tunnel & FlowTunnel, options: LocalPortOptions): Promise<LocalPort> {
  const { at, ...ofService } = options;
  const isSelf: ProxyServiceOptions['isSelf'] = ({ host, port }) => port === localPort.address.port && isLoopback(host);
  const { loading, serve } = createProxyService(tunnel, { ...ofService, isSelf });
  // It is bound before they are loaded: the umask of now counts.
  const binding = acceptLocal(at, options.logger ?? silentLogger, serve);
  const [bound, loaded] = await Promise.allSettled([binding, loading]);
  if (bound.status === 'rejected') throw bound.reason;
  const localPort = bound.value;
  if (loaded.status === 'fulfilled') return localPort;
  // Nobody would be answered.
  await localPort.close();
  throw loaded.reason;
}

export type LocalPortOptions = Omit<ProxyServiceOptions, 'isRemote' | 'isSelf'> & { readonly at: Endpoint };
