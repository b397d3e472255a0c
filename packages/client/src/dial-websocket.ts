import { WebSocket } from 'ws';
import { SUBPROTOCOL, WEBSOCKET_LIMITS, WebSocketTransport } from 'wsproxy-protocol';
import { judgePrivacy } from './clear-text.js';
import { type ConnectError, describeFailure, describeStatus } from './connect-error.js';
import { openSocket } from './open-socket.js';
import type { Reach } from './reach.js';

export interface ServerAddress {
  readonly url: URL;
  readonly token: string;
  readonly reach: Reach;
}

/** Name, TCP, TLS and upgrade together, ms. */
const DIAL_TIMEOUT = 10_000;
const WEBSOCKET_OPTIONS = { ...WEBSOCKET_LIMITS, handshakeTimeout: DIAL_TIMEOUT, followRedirects: false };

/**
 * RFC 6455 section 10.3 masks against intermediaries that misread plain traffic. Within TLS, and on the way to this very
 * machine, there are none; a mask of zeros is as valid, and `ws` then need not copy every byte.
 */
function leaveZero(): void {}

/** Opens a WebSocket to the server. Rejects with ConnectError; `signal` gives up. */
export async function dialWebSocket(server: ServerAddress, signal: AbortSignal): Promise<WebSocketTransport> {
  const start = performance.now();
  const socket = await openSocket(server.url, server.reach, signal, DIAL_TIMEOUT);
  const rest = Math.max(1, Math.ceil(DIAL_TIMEOUT - (performance.now() - start)));
  let mask: boolean;
  try {
    mask = !judgePrivacy(server.url, server.reach, socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const ws = new WebSocket(server.url, [SUBPROTOCOL], {
    ...WEBSOCKET_OPTIONS,
    headers: { ...server.reach.headers, authorization: `Bearer ${server.token}` },
    // It may be paused, and Node's HTTP client would leave it so.
    createConnection: () => socket.resume(),
    handshakeTimeout: rest,
    ...(!mask && { generateMask: leaveZero }),
  });

  return new Promise((resolve, reject) => {
    const fail = (error: ConnectError): void => {
      signal.removeEventListener('abort', abort);
      ws.terminate();
      reject(error);
    };
    const abort = (): void => fail(describeFailure(new Error('given up')));

    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    // Permanent: a WebSocket that fails late must not end the process.
    ws.on('error', (error) => fail(describeFailure(error)));
    ws.once('unexpected-response', (_request, response) => {
      fail(describeStatus(response.statusCode ?? 0, response.headers, server.url));
    });
    ws.once('open', () => {
      signal.removeEventListener('abort', abort);
      // At once: what the server sends right behind its answer must not find nobody listening.
      resolve(new WebSocketTransport(ws, socket, { mask }));
      // It is the channels that keep the process alive.
      socket.unref();
    });
  });
}
