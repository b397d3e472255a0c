import type { IncomingHttpHeaders } from 'node:http';
import type { SlabPool, Transport } from 'wsproxy-engine';
import { ConnectError } from 'wsproxy-engine/connector';
import { explainChallenge, type ProxyError } from 'wsproxy-node/dial/upstream';
import {
  type OpenTransport,
  openWebSocket,
  RefusedError,
  type ServerConnection,
  type WayToServer,
} from 'wsproxy-node/transports';
import { checkPrivacy } from './clear-text.js';
import { describeFailure, describeProxyFailure, describeStatus, describeUnanswered } from './describe-failure.js';
import { loginFor, openSocket, openToProxy } from './open-socket.js';
import { OpeningTurns } from './opening-turns.js';
import type { Reach } from './reach.js';
import { askToken, type TokenSource } from './token-source.js';
import { USER_AGENT } from './user-agent.js';
import type { WayBack } from './way-back.js';

/**
 * Opens a transport to the server, of the kind that `open` makes. Rejects with ConnectError; `signal` gives up, and so does
 * `timeout`, ms.
 */
export async function connectTransport(
  server: ServerAddress,
  signal: AbortSignal,
  memory: SlabPool,
  options: ConnectTransportOptions = {},
): Promise<Transport> {
  const connect = (token: string) => turns.run(() => connectWith(token, server, signal, memory, options), signal);
  const token = await askToken(server.token, signal);
  try {
    return await connect(token);
  } catch (error) {
    if (!(error instanceof ConnectError && error.status === 401) || typeof server.token === 'string') throw error;
    const other = await askToken(server.token, signal, token);
    if (other === token) throw error;
    return connect(other);
  }
}

async function connectWith(
  token: string,
  { url, reach }: ServerAddress,
  signal: AbortSignal,
  memory: SlabPool,
  { timeout = CONNECT_TIMEOUT, open = openWebSocket, wayBack }: ConnectTransportOptions,
): Promise<Transport> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new DOMException('no answer', 'TimeoutError')), timeout);
  const errand = wayBack?.ask(url, reach.headers);
  const withToken = (others: Readonly<Record<string, string>>) => ({
    ...{ 'user-agent': USER_AGENT, ...others },
    authorization: `Bearer ${token}`,
  });
  const way = {
    ...{ url, memory, headers: withToken(errand?.headers ?? reach.headers) },
    ...(errand && {
      onAnswer: errand.onAnswer,
      headersAfter: (answer: IncomingHttpHeaders) => withToken(errand.headersAfter(answer)),
    }),
    ...proxiedBy(url, reach, signal),
  };
  // With a deadline of its own, so that anyone who hangs is told by its name.
  const connect = (protocols?: readonly string[]): Promise<ServerConnection> =>
    connectTo(url, reach, signal, timeout, protocols);
  try {
    return await open({ ...way, connect }, AbortSignal.any([signal, deadline.signal]));
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    if (error instanceof RefusedError) {
      const { status, headers: answer, asked } = error;
      const challenge = challengeOf(error, reach, way.proxied !== undefined);
      if (challenge !== undefined) throw describeProxyFailure(challenge, reach);
      const isOwnerAway = errand?.isOwnersAbsence(status, answer) ?? false;
      throw describeStatus({ status, headers: answer, cause: error, isOwnerAway, asked }, url, reach);
    }
    if (signal.aborted) throw describeFailure(new Error('given up'), reach);
    if (deadline.signal.aborted) {
      throw describeFailure(new Error(`no answer from ${url.host} within ${timeout / 1000} s`), reach);
    }
    throw describeUnanswered(error as Error, reach);
  } finally {
    clearTimeout(timer);
  }
}

/** Of the process: four clients with as many connections as one can have, all at once. */
const turns = new OpeningTurns(64);

/** Name, TCP, TLS and the answer together, ms. */
const CONNECT_TIMEOUT = 10_000;

export interface ServerAddress {
  readonly url: URL;
  readonly token: TokenSource;
  readonly reach: Reach;
}

export interface ConnectTransportOptions {
  readonly timeout?: number;
  /** Default: WebSockets. */
  readonly open?: OpenTransport;
  /** Of the session that the transport is for. Default: of none. */
  readonly wayBack?: WayBack;
}

/** Whether there is a proxy that may pass requests on without a tunnel: those of `ws://` alone, which it may read anyway. */
export function passesRequests({ url, reach }: Pick<ServerAddress, 'url' | 'reach'>): boolean {
  return url.protocol === 'ws:' && reach.proxy?.scheme.startsWith('http') === true;
}

function proxiedBy(url: URL, reach: Reach, signal: AbortSignal): Pick<WayToServer, 'proxied'> {
  const { proxy } = reach;
  if (proxy === undefined || !passesRequests({ url, reach })) return {};
  const connect = async (): Promise<ServerConnection> => ({
    socket: await openToProxy(proxy, reach, signal),
    isPrivate: false,
  });
  return { proxied: { connect, headers: loginFor(proxy) } };
}

/** What the proxy wants that passes requests on without a tunnel, if it was the one that has answered (RFC 9110 section 15.5.8). */
function challengeOf({ status, headers }: RefusedError, { proxy }: Reach, isProxied: boolean): ProxyError | undefined {
  if (status !== 407 || proxy === undefined || !isProxied) return undefined;
  const name = 'proxy-authenticate';
  const { [name]: value = '' } = headers;
  return explainChallenge({ status, fields: [{ name, value }] }, proxy);
}

async function connectTo(
  url: URL,
  reach: Reach,
  signal: AbortSignal,
  timeout: number,
  protocols?: readonly string[],
): Promise<ServerConnection> {
  const socket = await openSocket(url, reach, signal, timeout, protocols);
  try {
    return { socket, isPrivate: checkPrivacy(url, reach, socket) };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
