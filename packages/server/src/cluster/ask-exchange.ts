import {
  request as ask,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Clock } from 'wsproxy-engine';
import { ignoreErrors, KEEPALIVE_DELAY } from 'wsproxy-node/sockets';
import type { Exchange } from 'wsproxy-node/transports';
import { ANSWER_TIME, CONNECT_TIME, isGone, type Unanswered } from './ask-owner.js';
import { connectToHop } from './connect-to-hop.js';
import type { Hop } from './neighbours.js';

/**
 * Passes an ordinary request on to the door of another process, and its answer back, each as it comes. Resolves once that process has
 * taken it, or with why it has not: nothing of the request was read then.
 */
export function askExchange(exchange: Exchange, options: AskExchangeOptions): Promise<'passed' | Unanswered> {
  const { answer } = exchange;
  const { hop, secureContext, clock, isOpening } = options;
  return new Promise((resolve) => {
    const { socket, ready } = connectToHop(hop, secureContext);
    ignoreErrors(socket);
    const settle = (outcome: 'passed' | Unanswered): void => {
      timer.cancel();
      if (outcome !== 'passed') outgoing.destroy();
      resolve(outcome);
    };
    const fail = (error: NodeJS.ErrnoException): void => {
      // Once something was passed on, there is nobody else to ask.
      if (isConnected) answer.destroy();
      if (answer.destroyed) settle({ outcome: 'left' });
      else settle(isGone(error) ? { outcome: 'gone' } : { outcome: 'unanswered', error });
    };
    const late = (): void => fail(new Error('it took too long'));
    let isConnected = false;
    let timer = clock.setTimer(late, CONNECT_TIME);
    const outgoing = ask({
      createConnection: () => socket,
      method: 'POST',
      path: '/',
      headers: options.headers,
      maxHeaderSize: MAX_HEAD,
    });
    outgoing.on('error', fail);
    answer.once('close', () => outgoing.destroy());
    if (!options.takeConnection(socket)) return fail(new Error('there are as many sockets as may be'));
    options.onConnection(socket);
    socket.once(ready, () => {
      timer.cancel();
      isConnected = true;
      socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_DELAY);
      if (exchange.request.headers.expect !== undefined) exchange.invite();
      passBody(exchange, outgoing);
      // Polls and bodies without end are answered in their own time.
      if (isOpening) timer = clock.setTimer(late, ANSWER_TIME);
      else settle('passed');
    });
    outgoing.once('response', (reply) => {
      passBack(reply, exchange);
      settle('passed');
    });
  });
}

/** Of an answer, bytes. */
const MAX_HEAD = 16_384;

/** A body that was cut does not become a whole one. */
function passBody(exchange: Exchange, outgoing: ClientRequest): void {
  const { body } = exchange;
  let received = 0;
  body.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (!outgoing.write(chunk)) body.pause();
  });
  outgoing.on('drain', () => body.resume());
  body.once('end', () => {
    if (exchange.isWhole(received)) outgoing.end();
    else outgoing.destroy();
  });
}

function passBack(reply: IncomingMessage, { answer, begin, closeAfter }: Exchange): void {
  const { connection: _, 'transfer-encoding': __, 'keep-alive': ___, date: ____, ...headers } = reply.headers;
  closeAfter();
  begin(reply.statusCode ?? 502, headers);
  // It may be long before there is more.
  if (answer instanceof ServerResponse) answer.flushHeaders();
  reply.pipe(answer);
  const cut = (): void => {
    if (!reply.complete) answer.destroy();
  };
  reply.once('error', cut).once('close', cut);
}

export interface AskExchangeOptions {
  readonly hop: Hop;
  readonly secureContext: SecureContext | undefined;
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly headers: OutgoingHttpHeaders;
  /** It opens a transport, so that the answer has to come soon. */
  readonly isOpening: boolean;
  /** False when there may be no more sockets. */
  readonly takeConnection: (connection: Socket) => boolean;
  readonly onConnection: (connection: Socket) => void;
}
