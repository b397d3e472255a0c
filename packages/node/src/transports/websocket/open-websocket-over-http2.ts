import { randomBytes } from 'node:crypto';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { WebSocket } from 'ws';
import { SUBPROTOCOL, type Transport } from 'wsproxy-engine';
import { beginHttp2, followStream, requestHeaders, speaksHttp2, WITH_HTTP2 } from '../http2-client.js';
import { NoHttp2Error, refusedBy, type WayToServer } from '../open-transport.js';
import { secretsIn } from '../secrets-in.js';
import { UpgradedStream } from './upgraded-stream.js';
import { WEBSOCKET_LIMITS } from './websocket-limits.js';
import { WebSocketTransport } from './websocket-transport.js';

/** Opens a WebSocket as a stream of HTTP/2 (RFC 8441), which has its connection for itself; an `OpenTransport`. */
export async function openWebSocketOverHttp2(way: WayToServer, signal: AbortSignal): Promise<Transport> {
  const { socket, isPrivate } = await way.connect(WITH_HTTP2);
  const giveUp = (): void => void socket.destroy(new Error('given up'));
  signal.addEventListener('abort', giveUp);
  try {
    if (signal.aborted) throw new Error('given up');
    if (!speaksHttp2(socket)) throw new NoHttp2Error('the server does not speak HTTP/2');
    const session = beginHttp2(socket, way);
    const stream = await extendedConnect(session, way);
    stream.once('close', () => session.destroy());
    const { ws, read } = await openOn(stream, way, isPrivate);
    const end = { role: 'client', masks: !isPrivate, secrets: secretsIn(way.headers) } as const;
    const transport = new WebSocketTransport({ ws, read }, stream, end, way.memory, socket);
    // It is the channels that keep the process alive.
    socket.unref();
    return transport;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? new Error('given up') : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

async function extendedConnect(session: ClientHttp2Session, way: WayToServer): Promise<ClientHttp2Stream> {
  const isAllowed = await new Promise<boolean>((resolve, reject) => {
    session.once('remoteSettings', ({ enableConnectProtocol }) => resolve(enableConnectProtocol === true));
    session.once('close', () => reject(new Error('the connection was closed before the answer')));
  });
  if (!isAllowed) throw new NoHttp2Error('the server takes no WebSockets over HTTP/2 (RFC 8441)');
  const stream = session.request({
    ...requestHeaders(way, way.headers),
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    // RFC 8441 section 5 has no use for a key, but Envoy passes on what comes, and what it asks by HTTP/1.1 needs one.
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-version': '13',
    'sec-websocket-protocol': SUBPROTOCOL,
  });
  await new Promise<void>((resolve, reject) => {
    const onAnswer: Parameters<typeof followStream>[1] = (status, answer) => {
      // RFC 8441 section 5: 200 takes the place of 101.
      way.onAnswer?.(status === 200 ? 101 : status, answer);
      if (status !== 200) return reject(refusedBy(status, answer, secretsIn(way.headers)));
      const { 'sec-websocket-protocol': protocol } = answer;
      if (protocol === SUBPROTOCOL) resolve();
      else reject(new Error('the server has chosen no subprotocol of ours'));
    };
    followStream(stream, onAnswer, reject);
  });
  return stream;
}

/** The WebSocket of a stream on which one is open. It reads nothing by itself but what it is given. */
function openOn(stream: ClientHttp2Stream, { url }: WayToServer, isPrivate: boolean): Promise<Opened> {
  const upgraded = new UpgradedStream(stream);
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, [SUBPROTOCOL], {
      ...WEBSOCKET_LIMITS,
      createConnection: () => upgraded,
      ...(isPrivate && { generateMask: () => {} }),
    });
    // Permanent: a WebSocket that fails late must not end the process.
    ws.on('error', reject);
    ws.once('open', () => {
      stream.once('end', () => upgraded.push(null));
      resolve({ ws, read: (bytes) => void upgraded.push(bytes) });
    });
  });
}

interface Opened {
  readonly ws: WebSocket;
  read(bytes: Uint8Array): void;
}
