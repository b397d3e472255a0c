import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction, type Socket, connect as tcpConnect } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Target } from 'wsproxy-engine';
import { ConnectError } from 'wsproxy-engine/connector';
import {
  basic,
  connectThrough,
  connectToProxy,
  onAbort,
  ProxyError,
  type UpstreamProxy,
} from 'wsproxy-node/dial/upstream';
import { describeFailure, describePage, describeProxyFailure } from './describe-failure.js';
import { pinOf, type Reach } from './reach.js';
import { targetOf } from './server-url.js';

/**
 * A connection to the server, through the proxy if there is one, in TLS for wss://, the certificate and the pins checked:
 * nothing was said to the server yet. Rejects with ConnectError and leaves nothing open. `timeout` in ms; `protocols`: offered by ALPN.
 */
export async function openSocket(
  url: URL,
  reach: Reach,
  signal: AbortSignal,
  timeout: number,
  protocols?: readonly string[],
): Promise<Socket> {
  const ending = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    ending.abort();
  }, timeout);
  // Not by `AbortSignal.any`: in Node 20 the signal of a transport, which may live for weeks, would keep something of each connection.
  const forgetSignal = onAbort(signal, () => ending.abort(signal.reason));
  try {
    // With its own deadline, so that a proxy that hangs is told by its name.
    const socket = await openRaw(url, reach, reach.proxy === undefined ? ending.signal : signal, timeout);
    checkSilence(socket, url, reach);
    return url.protocol === 'wss:' ? await secure(socket, url, reach, ending.signal, { protocols }) : socket;
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    if (error instanceof ProxyError) throw describeProxyFailure(error, reach);
    throw describeFailure(
      isLate ? new Error(`no connection to ${url.host} within ${timeout / 1000} s`) : (error as Error),
      reach,
    );
  } finally {
    clearTimeout(timer);
    forgetSignal();
  }
}

/** Throws ConnectError when a proxy has said more than that the way is open: a server does not speak first. */
function checkSilence(socket: Socket, url: URL, { proxy }: Reach): void {
  if (proxy?.scheme.startsWith('http') !== true || socket.readableLength === 0) return;
  socket.destroy();
  throw describePage(new Error('it speaks before it was asked'), proxy, url.protocol === 'wss:');
}

/** The same without TLS: TCP, and the proxy's word that it leads to the server. Rejects with anything that has failed. */
export async function openRaw(url: URL, reach: Reach, signal: AbortSignal, timeout: number): Promise<Socket> {
  const server = targetOf(url);
  const { proxy, addresses, family, ca } = reach;
  const known = addresses.get(`${server.host}:${server.port}`);
  if (proxy === undefined) return connectTo(server, reach, signal);
  return connectThrough(
    proxy,
    { ...server, host: known ?? server.host },
    {
      signal,
      timeout,
      lookup: lookupFor(proxy, reach),
      ...(family !== undefined && { family }),
      ...(ca !== undefined && { ca }),
    },
  );
}

/** A connection to the proxy itself. Rejects with ConnectError. */
export async function openToProxy(proxy: UpstreamProxy, reach: Reach, signal: AbortSignal): Promise<Socket> {
  const { family, ca } = reach;
  const how = { lookup: lookupFor(proxy, reach), ...(family && { family }), ...(ca !== undefined && { ca }) };
  try {
    return await connectToProxy(proxy, { signal, ...how });
  } catch (error) {
    throw error instanceof ProxyError ? describeProxyFailure(error, reach) : describeFailure(error as Error, reach);
  }
}

/** What a proxy wants to see with each request that it passes on. */
export function loginFor({ credentials }: UpstreamProxy): Record<string, string> {
  return credentials === undefined ? {} : { 'proxy-authorization': basic(credentials) };
}

/** TCP to the server or its proxy. */
export async function connectTo(hop: Target, reach: Reach, signal: AbortSignal): Promise<Socket> {
  if (signal.aborted) throw new Error('given up');
  const { family } = reach;
  const lookup = lookupFor(hop, reach);
  const { host, port } = hop;
  const socket = tcpConnect({ host, port, lookup, noDelay: true, ...(family !== undefined && { family }) });
  await until(socket, 'connect', signal);
  return socket;
}

/**
 * TLS on a connection to the server; without `verify` nothing is judged, and nothing must be said. `protocols`: offered by ALPN, the best
 * first; default HTTP/1.1 alone.
 */
export async function secure(
  raw: Socket,
  url: URL,
  reach: Reach,
  signal: AbortSignal,
  { verify = true, protocols = ['http/1.1'] }: SecureOptions = {},
): Promise<TLSSocket> {
  const { host } = targetOf(url);
  const servername = reach.sni ?? (isIP(host) === 0 ? host : '');
  const socket = tlsConnect({
    socket: raw,
    host: reach.sni ?? host,
    servername,
    secureContext: reach.secureContext,
    ALPNProtocols: [...protocols],
    rejectUnauthorized: verify,
  });
  await until(socket, 'secureConnect', signal);
  if (!verify) return socket;
  try {
    checkPins(socket, reach.pins);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

interface SecureOptions {
  readonly verify?: boolean;
  readonly protocols?: readonly string[] | undefined;
}

/** Throws ConnectError when there are pins and the server has another key. */
export function checkPins(socket: TLSSocket, pins: readonly string[]): void {
  if (pins.length === 0) return;
  const certificate = socket.getPeerX509Certificate();
  const pin = certificate === undefined ? 'unknown' : pinOf(certificate);
  if (pins.includes(pin)) return;
  throw new ConnectError(`the server is not trusted: its public key is ${pin}, and no pin says so`, true, {
    code: 'NOT_TRUSTED',
  });
}

/** Rejects, everything destroyed, when the connection cannot be made or `signal` gives up. */
function until(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let forgetSignal = (): void => {};
    const settle = (error?: Error): void => {
      socket.off(event, onConnect).off('close', onClose);
      forgetSignal();
      if (error === undefined) return resolve();
      socket.destroy();
      reject(error);
    };
    const onConnect = (): void => settle();
    const onClose = (): void =>
      settle(new Error(`the connection was closed before it was ${event === 'connect' ? 'made' : 'secure'}`));
    // For good: a failure later on is told by anyone who uses the socket then, and must not end the process.
    socket.on('error', settle);
    socket.once(event, onConnect).once('close', onClose);
    forgetSignal = onAbort(signal, () => settle(new Error('given up')));
  });
}

/** Where the first connection goes: to the proxy, where there is one. */
export function firstHop(url: URL, { proxy }: Reach): Target {
  return proxy ?? targetOf(url);
}

/** The system's lookup, but for the names whose address was given. */
function lookupFor({ host, port }: Target, { addresses }: Reach): LookupFunction {
  const address = addresses.get(`${host}:${port}`);
  if (address === undefined) return systemLookup;
  return (_name, { all }, callback) => {
    const family = isIP(address);
    if (all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}
