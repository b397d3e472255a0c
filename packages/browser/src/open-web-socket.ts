import { SUBPROTOCOL, systemClock } from 'wsproxy-engine';
import { ConnectError } from 'wsproxy-engine/connector';
import { WebSocketTransport } from './web-socket-transport.js';

/** Opens a transport, which spends `ticket`. Rejects with ConnectError; `signal` gives up. */
export function openWebSocket(url: URL, ticket: string, signal: AbortSignal): Promise<WebSocketTransport> {
  return new Promise((resolve, reject) => {
    const socket = newWebSocket(url, [SUBPROTOCOL, `ticket.${ticket}`]);
    socket.binaryType = 'arraybuffer';
    const fail = (what: string, isPermanent = false): void => {
      end();
      socket.close();
      reject(new ConnectError(what, isPermanent));
    };
    const giveUp = (): void => fail('given up');
    const timer = systemClock.setTimer(() => fail(`no answer from ${url.host} within 10 s`), PATIENCE);
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', giveUp);
      socket.onopen = socket.onclose = null;
    };
    signal.addEventListener('abort', giveUp);
    socket.onopen = () => {
      if (socket.protocol !== SUBPROTOCOL) return fail(`${url.host} does not speak ${SUBPROTOCOL}`, true);
      end();
      resolve(new WebSocketTransport(socket));
    };
    socket.onclose = () => fail(`no WebSocket to ${url.host}; a browser does not say why, the log of the server does`);
    if (signal.aborted) giveUp();
  });
}

/** ms. */
const PATIENCE = 10_000;

function newWebSocket(url: URL, protocols: string[]): WebSocket {
  try {
    return new WebSocket(url, protocols);
  } catch (error) {
    const { message } = error as Error;
    throw new ConnectError(`no WebSocket to ${url.host}: ${message}`, true, { cause: error, code: 'NOT_TRUSTED' });
  }
}
