import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import type { Clock, Timer } from 'wsproxy-engine';
import { ignoreErrors, KEEPALIVE_DELAY } from 'wsproxy-node/sockets';
import type { HandOnOutcome } from '../observe/observer.js';
import { connectToHop } from './connect-to-hop.js';
import type { Hop } from './neighbours.js';

/** Says `request` at the door of another process, and waits for the head of its answer. */
export function askOwner(request: Buffer, options: AskOptions): Promise<Reply> {
  return new Promise((resolve) => new Question(request, options, resolve).ask());
}

/** For the connection and its TLS, ms. */
export const CONNECT_TIME = 2_000;
/** From then on to the head of the answer, ms. */
export const ANSWER_TIME = 5_000;
/** Of the answer; ours are far smaller. */
const MAX_HEAD = 16_384;
const HEAD_END = '\r\n\r\n';

class Question {
  readonly #request: Buffer;
  readonly #options: AskOptions;
  readonly #resolve: (reply: Reply) => void;
  readonly #connection: Socket;
  /** What that emits when it can be written to. */
  readonly #ready: string;
  #timer: Timer;
  #answer: Buffer = Buffer.alloc(0);

  constructor(request: Buffer, options: AskOptions, resolve: (reply: Reply) => void) {
    this.#request = request;
    this.#options = options;
    this.#resolve = resolve;
    const { socket, ready } = connectToHop(options.hop, options.secureContext);
    this.#connection = socket;
    this.#ready = ready;
    this.#timer = options.clock.setTimer(this.#onLate, CONNECT_TIME);
  }

  ask(): void {
    const connection = this.#connection;
    const { takeConnection, onConnection, client } = this.#options;
    ignoreErrors(connection);
    connection.once('error', this.#onError);
    // An end is one too, since nobody answers behind it.
    connection.once('end', this.#onClose).once('close', this.#onClose);
    connection.once(this.#ready, this.#onConnect);
    client.once('close', this.#onClient);
    if (client.destroyed) return this.#finish({ outcome: 'left' });
    if (!takeConnection(connection)) return this.#fail(new Error('there are as many sockets as may be'));
    onConnection(connection);
  }

  readonly #onConnect = (): void => {
    const { clock } = this.#options;
    this.#timer.cancel();
    this.#timer = clock.setTimer(this.#onLate, ANSWER_TIME);
    this.#connection.setNoDelay(true).setKeepAlive(true, KEEPALIVE_DELAY);
    this.#connection.on('data', this.#onData);
    this.#connection.write(this.#request);
  };

  readonly #onData = (chunk: Buffer): void => {
    this.#answer = Buffer.concat([this.#answer, chunk]);
    const end = this.#answer.indexOf(HEAD_END);
    if (end === -1) {
      if (this.#answer.length > MAX_HEAD) this.#fail(new Error('the head of its answer is too large'));
      return;
    }
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(this.#answer.toString('latin1', 0, LONGEST_STATUS))?.[1];
    if (status === undefined) return this.#fail(new Error('its answer is not HTTP'));
    // What follows waits until it is joined.
    this.#connection.pause();
    this.#finish({ connection: this.#connection, answer: this.#answer, status: Number(status) });
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (isGone(error)) this.#finish({ outcome: 'gone' });
    else this.#fail(error);
  };

  readonly #onClose = (): void => this.#fail(new Error('it has closed the connection'));

  readonly #onLate = (): void => this.#fail(new Error('it took too long'));

  readonly #onClient = (): void => this.#finish({ outcome: 'left' });

  #fail(error: Error): void {
    this.#finish(this.#options.client.destroyed ? { outcome: 'left' } : { outcome: 'unanswered', error });
  }

  #finish(reply: Reply): void {
    const connection = this.#connection;
    this.#timer.cancel();
    connection.off('error', this.#onError).off('data', this.#onData);
    connection.off('end', this.#onClose).off('close', this.#onClose);
    this.#options.client.off('close', this.#onClient);
    if (!('connection' in reply)) connection.destroy();
    this.#resolve(reply);
  }
}

/** The process does not listen any more. */
export function isGone(error: NodeJS.ErrnoException): boolean {
  return GONE.has(error.code ?? '');
}

const GONE: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT']);
const LONGEST_STATUS = 16;

export interface AskOptions {
  readonly hop: Hop;
  readonly secureContext: SecureContext | undefined;
  readonly clock: Pick<Clock, 'setTimer'>;
  /** The one who waits for the answer; nobody, once it is closed. */
  readonly client: Duplex;
  /** False when there may be no more sockets. */
  readonly takeConnection: (connection: Socket) => boolean;
  /** It is open, or about to be. */
  readonly onConnection: (connection: Socket) => void;
}

/** The answer as far as it has come, on a connection that is paused; or why there is none. */
export type Reply = Answered | Unanswered;

interface Answered {
  readonly connection: Socket;
  readonly answer: Buffer;
  readonly status: number;
}

export interface Unanswered {
  readonly outcome: Exclude<HandOnOutcome, 'passed' | 'refused'>;
  readonly error?: unknown;
}
