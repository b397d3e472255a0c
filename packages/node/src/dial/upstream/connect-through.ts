import { isIP, type LookupFunction, type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { formatTarget, type Target } from 'wsproxy-engine';
import { ignoreErrors } from '../../sockets/ignore-errors.js';
import { KEEPALIVE_DELAY } from '../../sockets/keepalive-delay.js';
import { onAbort } from '../race/on-abort.js';
import { formatProxy, type UpstreamProxy } from './proxy.js';
import { ProxyError } from './proxy-error.js';

const DEFAULT_TIMEOUT = 10_000;

/**
 * A connection to `target` through `proxy`, which also resolves a name. Rejects with ProxyError and leaves nothing open.
 * After it has resolved, the socket is the caller's, and `signal` no longer counts.
 *
 * The socket is paused and stays so until `resume()` is called; what came right behind the proxy's answer is in it. It
 * allows half-open, and has an `error` listener for good, so that an early failure only shows as `socket.destroyed`.
 */
export async function connectThrough(
  proxy: UpstreamProxy,
  target: Target,
  options: ConnectThroughOptions,
): Promise<Socket> {
  const { signal, timeout = DEFAULT_TIMEOUT } = options;
  const cancelled = () => new ProxyError('CANCELLED', 'given up');
  const handshake = await handshakeOf(proxy);
  if (signal.aborted) throw cancelled();

  const socket = openSocket(proxy, options);
  return new Promise<Socket>((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      forgetSignal();
    };
    const fail = (error: unknown): void => {
      end();
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => {
      const way = `the proxy ${formatProxy(proxy)} gave no connection to ${formatTarget(target)} within ${timeout / 1000} s`;
      fail(new ProxyError('PROXY_TIMEOUT', way));
    }, timeout);
    const forgetSignal = onAbort(signal, () => fail(cancelled()));

    untilConnected(socket, proxy)
      .then(() => handshake(socket, proxy, target, timeout))
      .then(() => {
        end();
        resolve(socket);
      }, fail);
  });
}

/** A connection to `proxy` itself, on which nothing was said. Otherwise as `connectThrough`, but for a deadline. */
export async function connectToProxy(proxy: UpstreamProxy, options: ConnectThroughOptions): Promise<Socket> {
  const { signal } = options;
  if (signal.aborted) throw new ProxyError('CANCELLED', 'given up');
  const socket = openSocket(proxy, options);
  const forgetSignal = onAbort(signal, () => socket.destroy());
  try {
    await untilConnected(socket, proxy);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    forgetSignal();
  }
  return socket;
}

export interface ConnectThroughOptions {
  /** Gives up: what has begun is destroyed, and the promise rejects with CANCELLED. */
  readonly signal: AbortSignal;
  /** For all of it, ms; default 10 000. */
  readonly timeout?: number;
  /** Finds the addresses of the proxy; default: the system. */
  readonly lookup?: LookupFunction;
  /** Reaches the proxy over IPv4 or IPv6 only; default: either. */
  readonly family?: 4 | 6;
  /** PEM of the authorities that an https:// proxy may come from; default: those of Node. */
  readonly ca?: string;
}

/** Loads what speaks to `proxy` ahead of the first connection: then there may be no descriptor left to read it by. */
export function prepareFor(proxy: UpstreamProxy): void {
  handshakeOf(proxy).catch(() => {});
}

type Handshake = (socket: Socket, proxy: UpstreamProxy, target: Target, timeout: number) => Promise<void>;

/** Only those who have such a proxy wait for what speaks to it. */
async function handshakeOf({ scheme }: UpstreamProxy): Promise<Handshake> {
  if (scheme.startsWith('socks')) return (await import('./socks-handshake.js')).socksHandshake;
  return (await import('./http-connect.js')).requestTunnel;
}

function openSocket(proxy: UpstreamProxy, { lookup, family, ca }: ConnectThroughOptions): Socket {
  const options = {
    host: proxy.host,
    port: proxy.port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_DELAY,
    ...(lookup !== undefined && { lookup }),
    ...(family !== undefined && { family }),
  };
  const socket =
    proxy.scheme === 'https'
      ? tlsConnect({
          ...options,
          ...(isIP(proxy.host) === 0 && { servername: proxy.host }),
          ...(ca !== undefined && { ca }),
        })
      : tcpConnect(options);
  ignoreErrors(socket);
  return socket;
}

/** Of the system, or of OpenSSL, which has a `reason`. */
type ConnectFailure = NodeJS.ErrnoException & { readonly reason?: string };

/** TCP, and TLS if the proxy is spoken to in it. */
function untilConnected(socket: Socket, proxy: UpstreamProxy): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: ConnectFailure): void => {
      socket.off('error', settle).off('close', onClose).off(event, onConnect);
      if (error === undefined) return resolve();
      const why = error.reason === undefined ? (error.code ?? error.message) : `TLS failed (${error.reason})`;
      reject(
        new ProxyError('PROXY_UNREACHABLE', `no connection to the proxy ${formatProxy(proxy)}: ${why}`, {
          cause: error,
        }),
      );
    };
    const onConnect = (): void => settle();
    const onClose = (): void => settle(new Error('it hung up'));
    const event = proxy.scheme === 'https' ? 'secureConnect' : 'connect';
    socket.once(event, onConnect).once('error', settle).once('close', onClose);
  });
}
