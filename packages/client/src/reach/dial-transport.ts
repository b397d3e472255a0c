import { WebSocket } from 'ws';
import { type SlabPool, SUBPROTOCOL } from 'wsproxy-engine';
import { boundInterim } from 'wsproxy-node/sockets';
import { WEBSOCKET_LIMITS, WebSocketTransport } from 'wsproxy-node/transports';
import { judgePrivacy } from './clear-text.js';
import { type ConnectError, describeFailure, describeStatus, describeUnanswered } from './connect-error.js';
import { openSocket } from './open-socket.js';
import type { Reach } from './reach.js';

export interface ServerAddress {
  readonly url: URL;
  readonly token: string;
  readonly reach: Reach;
}

/** Name, TCP, TLS and upgrade together, ms. */
const DIAL_TIMEOUT = 10_000;
/** Of the answer's head, and of all interim ones before it, bytes. */
const MAX_HEADER_SIZE = 16_384;
const WEBSOCKET_OPTIONS = { ...WEBSOCKET_LIMITS, maxHeaderSize: MAX_HEADER_SIZE, followRedirects: false };

/**
 * RFC 6455 section 10.3 masks against intermediaries that misread plain traffic. Within TLS, and on the way to this very
 * machine, there are none; a mask of zeros is as valid, and `ws` then need not copy every byte.
 */
function leaveZero(): void {}

/** Opens a WebSocket to the server. Rejects with ConnectError; `signal` gives up, and so does `timeout`, ms. */
export async function dialWebSocket(
  server: ServerAddress,
  signal: AbortSignal,
  memory: SlabPool,
  timeout: number = DIAL_TIMEOUT,
): Promise<WebSocketTransport> {
  const start = performance.now();
  const { url, reach, token } = server;
  const socket = await openSocket(url, reach, signal, timeout);
  let mask: boolean;
  try {
    mask = !judgePrivacy(url, reach, socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const rest = Math.max(1, Math.ceil(timeout - (performance.now() - start)));
  return new Promise((resolve, reject) => {
    const fail = (error: ConnectError): void => {
      settle();
      ws.terminate();
      reject(error);
    };
    const abort = (): void => fail(describeFailure(new Error('given up')));
    // Not the `handshakeTimeout` of `ws`: every byte that comes begins that anew.
    const timer = setTimeout(() => {
      fail(describeFailure(new Error(`no answer from ${url.host} within ${timeout / 1000} s`)));
    }, rest);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const ws = new WebSocket(url, [SUBPROTOCOL], {
      ...WEBSOCKET_OPTIONS,
      headers: { ...reach.headers, authorization: `Bearer ${token}` },
      // It may be paused, and Node's HTTP client would leave it so.
      createConnection: () => socket.resume(),
      finishRequest: (request) => {
        boundInterim(request, MAX_HEADER_SIZE, () => {
          fail(describeFailure(new Error('the answer never comes: nothing but interim responses (1xx)')));
        });
        request.end();
      },
      ...(!mask && { generateMask: leaveZero }),
    });

    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    // Permanent: a WebSocket that fails late must not end the process.
    ws.on('error', (error) => fail(describeUnanswered(error, reach.certified)));
    ws.once('unexpected-response', (_request, response) => {
      fail(describeStatus(response.statusCode ?? 0, response.headers, url));
    });
    ws.once('open', () => {
      settle();
      // At once: what the server sends right behind its answer must not find nobody listening.
      resolve(new WebSocketTransport(ws, socket, { role: 'client', masks: mask }, memory));
      // It is the channels that keep the process alive.
      socket.unref();
    });
  });
}
