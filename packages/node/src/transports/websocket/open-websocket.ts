import { WebSocket } from 'ws';
import { SUBPROTOCOL, type Transport } from 'wsproxy-engine';
import { boundInterim } from '../../sockets/bound-interim.js';
import { refusedBy, type WayToServer } from '../open-transport.js';
import { secretsIn } from '../secrets-in.js';
import { WEBSOCKET_LIMITS } from './websocket-limits.js';
import { WebSocketTransport } from './websocket-transport.js';

/** Of the answer's head, and of all interim ones before it, bytes. */
const MAX_HEADER_SIZE = 16_384;
const OPTIONS = { ...WEBSOCKET_LIMITS, maxHeaderSize: MAX_HEADER_SIZE, followRedirects: false };

/** Opens a WebSocket (RFC 6455) to the server; an `OpenTransport`. */
export async function openWebSocket(
  { url, headers, memory, onAnswer, connect, isTrial = false }: WayToServer,
  signal: AbortSignal,
): Promise<Transport> {
  const { socket, isPrivate } = await connect();
  const secrets = secretsIn(headers);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      settle();
      ws.terminate();
      reject(error);
    };
    const abort = (): void => fail(new Error('given up'));
    const settle = (): void => signal.removeEventListener('abort', abort);
    const ws = new WebSocket(url, [SUBPROTOCOL], {
      ...OPTIONS,
      headers,
      // It may be paused, and Node's HTTP client would leave it so.
      createConnection: () => socket.resume(),
      finishRequest: (request) => {
        boundInterim(request, MAX_HEADER_SIZE, () => {
          fail(new Error('the answer never comes: nothing but interim responses (1xx)'));
        });
        request.end();
      },
      ...(isPrivate && { generateMask: leaveZero }),
    });

    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    // Permanent: a WebSocket that fails late must not end the process.
    ws.on('error', fail);
    ws.once('unexpected-response', (_request, response) => {
      const { statusCode = 0, headers: answer } = response;
      onAnswer?.(statusCode, answer);
      fail(refusedBy(statusCode, answer, secrets));
    });
    ws.once('upgrade', ({ headers: answer }) => onAnswer?.(101, answer));
    ws.once('open', () => {
      // At once: what the server sends right behind its answer must not find nobody listening.
      const transport = new WebSocketTransport(ws, socket, { role: 'client', masks: !isPrivate, secrets }, memory);
      const succeed = (): void => {
        settle();
        resolve(transport);
      };
      // It is the channels that keep the process alive.
      socket.unref();
      if (!isTrial) return succeed();
      // Some proxies open a WebSocket, and nothing comes by it.
      ws.once('pong', succeed);
      ws.once('close', () => fail(new Error('the WebSocket has opened, and was closed before anything came by it')));
      ws.ping();
    });
  });
}

/**
 * RFC 6455 section 10.3 masks against intermediaries that misread plain traffic. Where nobody on the way reads it there are
 * none; a mask of zeros is as valid, and `ws` then need not copy every byte.
 */
function leaveZero(): void {}
