import { type Channel, type ChannelSink, finishChannel, systemClock, type Target } from 'wsproxy-engine';
import { valuesOf } from '../../http-message/fields.js';
import { MessageError } from '../../http-message/message-error.js';
import { type RequestHead, RequestHeadReader } from '../../http-message/request-head.js';
import { relay } from '../../relay/relay.js';
import { resetSocket } from '../../sockets/reset-socket.js';
import { closePolitely } from '../close-politely.js';
import { parseBasic } from '../credentials.js';
import type { Reply } from '../enter-tunnel.js';
import type { LocalConnection } from '../local-connection.js';
import type { ServedPort } from '../local-service.js';
import { enterCapsules } from '../udp/capsule-tunnel.js';
import type { Destination } from './absolute-form.js';
import { answerHere } from './answer-here.js';
import { connectUdpReply, decideConnectUdp } from './connect-udp.js';
import { authenticatesConnection } from './forwarded-heads.js';
import { type ExchangeOwner, HttpExchange } from './http-exchange.js';
import { encodeRefusal, type HttpRefusal, REFUSALS, refusalOf, refusalOfRequest } from './http-refusal.js';
import { type Decision, decideConnect, decideRequest } from './http-rules.js';

/**
 * The connection of an application that speaks HTTP. As a rule it carries one request: an origin that ends a connection
 * tells it to an application at once, and to one behind a tunnel later, when its next request is under way, and many do not
 * ask again. Where authentication belongs to the connection (NTLM, Negotiate), it carries one request after the other and
 * keeps the channel to its origin in between, while nothing is doubtful; no other application's request goes there. A
 * request that is refused is the last (RFC 9931).
 */
export class HttpConnection implements ExchangeOwner, ChannelSink {
  readonly #connection: LocalConnection;
  readonly #port: ServedPort;
  #reader = new RequestHeadReader();
  #exchange: HttpExchange | undefined;
  /** What the last exchange has left. */
  #kept: Channel | undefined;
  /** The application has authenticated that of the last exchange. */
  #isBound = false;
  /** Who has asked last. */
  #user: string | undefined;
  /** Sent by the application, and not looked at yet. */
  #input: Buffer = EMPTY;
  /** It was sent before the response to the request before: it may be no request at all. */
  #isBehind = false;
  /** More of that has come than is kept: none of it is. */
  #isDropped = false;
  #hasInputEnded = false;
  #isAdvancing = false;
  #isOver = false;

  constructor(connection: LocalConnection, port: ServedPort) {
    this.#connection = connection;
    this.#port = port;
  }

  /** @param input the first bytes. */
  serve(input: Buffer): void {
    const { socket } = this.#connection;
    this.#connection.onDeadline = () => this.#refuse(REFUSALS.TOO_SLOW);
    socket.on('data', this.#onInput);
    socket.on('end', this.#onInputEnd);
    socket.on('drain', this.#onDrain);
    socket.on('close', this.#onClose);
    this.#onInput(input);
  }

  onKept(channel: Channel): void {
    this.#exchange = undefined;
    this.#kept = channel;
    if (this.#isDropped) return this.#close('too much behind a request that had no answer');
    this.#connection.onDeadline = () => this.#close('no other request in time');
    this.#connection.beginHandshake(IDLE_TIMEOUT);
    channel.start(this);
    this.#advance();
  }

  onSwitched(channel: Channel): void {
    const { socket } = this.#connection;
    const early = this.#leave();
    if (this.#isDropped) {
      channel.reset();
      return resetSocket(socket);
    }
    if (early.length > 0) channel.write(early);
    relay(channel, socket);
    if (socket.readableEnded) channel.end();
  }

  onClosing(): void {
    this.#leave();
  }

  onWritable(): void {
    this.#advance();
  }

  /** Of the channel that is kept. Nobody has asked: it could be taken for the answer to what is asked next. */
  onData({ length }: Uint8Array): void {
    this.#kept?.consumed(length);
    this.#close('the destination speaks unasked');
  }

  onEnd(): void {
    this.#close('the destination has closed the connection');
  }

  onReset(): void {
    this.#leave();
    resetSocket(this.#connection.socket);
  }

  readonly #onInput = (bytes: Buffer): void => {
    if (this.#exchange === undefined && !this.#reader.hasBegun) this.#isBehind = false;
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    this.#advance();
  };

  /** Node tells the end of what it has read itself, though not everything of it was looked at. */
  readonly #onInputEnd = (): void => {
    this.#hasInputEnded = true;
    this.#advance();
  };

  readonly #onDrain = (): void => {
    this.#exchange?.onDrain();
    this.#advance();
  };

  readonly #onClose = (): void => {
    this.#exchange?.abandon();
    this.#leave();
  };

  /** Looks at what the application has sent as far as it may be looked at, and reads on when nothing of it is left. */
  #advance(): void {
    // Anything that is called from here may call back.
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    while (this.#step());
    this.#isAdvancing = false;
    if (this.#isOver) return;
    const { socket } = this.#connection;
    const { length } = this.#input;
    const exchange = this.#exchange;
    // What comes behind a request is read on: that the application has gone comes behind it, too.
    if (exchange === undefined ? length > 0 : exchange.isFull) socket.pause();
    else if (!this.#hasInputEnded) socket.resume();
    else if (exchange !== undefined) {
      // Requests that wait for a kept connection are answered before.
      if (length === 0 || !this.#isBound) exchange.endInput();
    } else this.#close('no other request');
  }

  /** Whether there may be more to do. */
  #step(): boolean {
    const input = this.#input;
    if (this.#isOver || input.length === 0) return false;
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      const behind = input.subarray(exchange.takeContent(input));
      const isNext = this.#exchange !== exchange;
      if (behind.length > 0) this.#isBehind = true;
      if (behind.length > MOST_BEHIND && !isNext) this.#isDropped = true;
      this.#input = this.#isDropped ? EMPTY : behind;
      return isNext;
    }
    // Anyone who does not take its responses is not asked for more requests.
    if (this.#connection.socket.writableNeedDrain) return false;
    this.#input = EMPTY;
    this.#readHead(input);
    return true;
  }

  #readHead(bytes: Buffer): void {
    const hadBegun = this.#reader.hasBegun;
    let head: RequestHead | undefined;
    try {
      head = this.#reader.read(bytes);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      // Content that is longer than the application has said: it has its answer, and is no request.
      return this.#isBehind ? this.#close(error.message) : this.#refuse(refusalOfRequest(error));
    }
    if (head !== undefined) {
      this.#input = this.#reader.rest;
      this.#reader = new RequestHeadReader();
      this.#take(head);
    } else if (this.#kept !== undefined && !hadBegun && this.#reader.hasBegun) {
      this.#connection.beginHandshake(this.#isBehind ? BEHIND_TIMEOUT : undefined);
    }
  }

  #take(request: RequestHead): void {
    if (request.method === 'CONNECT') {
      return this.#takeTunnel(request, decideConnect(request), (target, early) =>
        this.#connection.enter(target, early, this.#replies.connect),
      );
    }
    const asked = decideConnectUdp(request);
    if (asked !== undefined) {
      return this.#takeTunnel(request, asked, (target, early) => this.#enterCapsules(target, early));
    }
    const decision = answerHere(request) ?? decideRequest(request);
    if ('refusal' in decision) return this.#refuse(decision.refusal, request.method);
    const user = this.#userOf(request);
    if (user === undefined) this.#refuse(REFUSALS.NEEDS_PASSWORD, request.method);
    else if ('answer' in decision) this.#close('answered here', decision.answer);
    else if (this.#port.isSelf(decision.accepted.target)) this.#refuse(REFUSALS.LOOP, request.method);
    else this.#forward(request, decision.accepted, user);
  }

  #takeTunnel(request: RequestHead, decision: Decision<Target>, enter: (target: Target, early: Buffer) => void): void {
    // No application asks so: it may be the content of the request before.
    if (this.#isBehind) this.#close('a tunnel asked for behind a request that had no answer');
    else if ('refusal' in decision) this.#refuse(decision.refusal);
    else if (this.#userOf(request) === undefined) this.#refuse(REFUSALS.NEEDS_PASSWORD);
    else enter(decision.accepted, this.#leave());
  }

  #enterCapsules(target: Target, early: Buffer): void {
    const { socket, logger } = this.#connection;
    this.#connection.endHandshake();
    enterCapsules(this.#port.tunnel, logger, { socket, target, early, reply: this.#replies.connectUdp });
  }

  #forward(request: RequestHead, destination: Destination, user: string): void {
    const connection = this.#connection;
    connection.endHandshake();
    const kept = this.#takeKept(destination.target, user);
    this.#isBound = (this.#isBound && kept !== undefined) || authenticatesConnection(request);
    this.#user = user;
    this.#exchange = new HttpExchange({
      port: this.#port,
      connection,
      request,
      isBound: this.#isBound,
      destination,
      kept,
      owner: this,
    });
  }

  /** The channel that was kept, if it is this user's and leads to `target`; else it is ended. */
  #takeKept(target: Target, user: string): Channel | undefined {
    const kept = this.#kept;
    if (user === this.#user && kept?.target.host === target.host && kept.target.port === target.port) {
      this.#kept = undefined;
      return kept;
    }
    this.#endKept();
    return undefined;
  }

  #endKept(): void {
    if (this.#kept !== undefined) finishChannel(this.#kept, systemClock);
    this.#kept = undefined;
  }

  get #replies(): typeof LOCAL_REPLIES {
    return this.#port.isRemote ? REMOTE_REPLIES : LOCAL_REPLIES;
  }

  /** Who asks: undefined for somebody who may not, empty where everybody may. */
  #userOf({ fields }: RequestHead): string | undefined {
    const { isAllowed } = this.#port;
    if (isAllowed === undefined) return '';
    const [field, ...others] = valuesOf(fields, 'proxy-authorization');
    const given = parseBasic(field);
    return given !== undefined && others.length === 0 && isAllowed(...given) ? given[0] : undefined;
  }

  #refuse(refusal: HttpRefusal, method?: string): void {
    this.#leave();
    this.#connection.refuse(refusal.text, encodeRefusal(refusal, method));
  }

  /** In silence, unless the application waits for something. */
  #close(reason: string, answer?: Buffer): void {
    this.#leave();
    this.#connection.endHandshake();
    this.#connection.logger.debug({ reason }, 'local connection closed');
    closePolitely(this.#connection.socket, answer);
  }

  /** From here on the socket is somebody else's. Returns what the application has sent beyond its requests. */
  #leave(): Buffer {
    const { socket } = this.#connection;
    this.#isOver = true;
    this.#exchange = undefined;
    this.#endKept();
    socket.off('data', this.#onInput);
    socket.off('end', this.#onInputEnd);
    socket.off('drain', this.#onDrain);
    socket.off('close', this.#onClose);
    const input = this.#input;
    this.#input = EMPTY;
    return input;
  }
}

const connectReply = (isRemote: boolean): Reply => ({
  kind: 'connect',
  // Chromium ends a connection on which bytes come with it.
  isAlone: true,
  // Without Content-Length or Transfer-Encoding (RFC 9110 section 9.3.6).
  success: () => 'HTTP/1.1 200 Connection established\r\n\r\n',
  failure: (code, target) => encodeRefusal(refusalOf(code, isRemote), 'CONNECT', target),
});

/** Made once: each is held by every connection that waits for it. */
const repliesOf = (isRemote: boolean) => ({ connect: connectReply(isRemote), connectUdp: connectUdpReply(isRemote) });
const [LOCAL_REPLIES, REMOTE_REPLIES] = [repliesOf(false), repliesOf(true)];

/** How long an application may take until its next request, ms. Most origins end a connection sooner. */
const IDLE_TIMEOUT = 120_000;
/** The same until the rest of one that has begun behind content that may be too long: who sends a second request sends all of it. */
const BEHIND_TIMEOUT = 1_000;
/** What is kept of what an application sends behind a request that has no answer yet, bytes. */
const MOST_BEHIND = 65_536;
const EMPTY: Buffer = Buffer.alloc(0);
