import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { SUBPROTOCOL, WebSocketTransport } from 'wsproxy-protocol';
import { type ConnectError, describeFailure, describeStatus } from './connect-error.js';
import { isOnLoopback } from './server-url.js';

export interface ServerAddress {
  readonly url: URL;
  readonly token: string;
}

/** Name, TCP, TLS and upgrade together, ms. */
const DIAL_TIMEOUT = 10_000;
/** A message above this is not from a wsproxy-server, bytes. */
const MAX_MESSAGE = 262_144;

const WEBSOCKET_OPTIONS = {
  handshakeTimeout: DIAL_TIMEOUT,
  closeTimeout: 3_000,
  followRedirects: false,
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE,
  skipUTF8Validation: true,
};

/**
 * RFC 6455 section 10.3 masks against intermediaries that misread plain traffic. Within TLS, and on the way to this very
 * machine, there are none; a mask of zeros is as valid, and `ws` then need not copy every byte.
 */
function leaveZero(): void {}

/** Opens a WebSocket to the server. Rejects with ConnectError; `signal` gives up. */
export function dialWebSocket(server: ServerAddress, signal: AbortSignal): Promise<WebSocketTransport> {
  const ws = new WebSocket(server.url, [SUBPROTOCOL], {
    headers: { authorization: `Bearer ${server.token}` },
    ...WEBSOCKET_OPTIONS,
    ...((server.url.protocol === 'wss:' || isOnLoopback(server.url)) && { generateMask: leaveZero }),
  });

  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
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
      fail(describeStatus(response.statusCode ?? 0, response.headers.location));
    });
    ws.once('upgrade', (response) => {
      socket = response.socket;
    });
    ws.once('open', () => {
      signal.removeEventListener('abort', abort);
      if (socket === undefined) return fail(describeFailure(new Error('the WebSocket has no socket')));
      socket.setNoDelay(true);
      // At once: what the server sends right behind its answer must not find nobody listening.
      resolve(new WebSocketTransport(ws, socket));
    });
  });
}
