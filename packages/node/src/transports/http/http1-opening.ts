import { EventEmitter } from 'node:events';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import type { SlabPool, SlabReader } from 'wsproxy-engine';
import { createBodyReader } from '../../http-message/body.js';
import type { BodyReader } from '../../http-message/body-reader.js';
import { type Field, formatHead } from '../../http-message/fields.js';
import { MessageError } from '../../http-message/message-error.js';
import { isInterim, ResponseHeadReader } from '../../http-message/response-head.js';
import { readIntoSlabs } from '../../internals/read-into-slabs.js';
import { NotHttpError } from '../open-transport.js';
import type { MessageBody } from './message-body.js';
import type { Outcome } from './requests.js';

/**
 * A request of HTTP/1.1 without a body, on a connection that no other request uses. Its answer is read past Node's HTTP client, which
 * gives each part of a body memory of its own: a quarter of the time of a download went into the collection of that.
 */
export class Http1Opening extends EventEmitter implements MessageBody {
  readonly #socket: Socket;
  readonly #outcome: Outcome;
  readonly #head = new ResponseHeadReader('POST', MAX_HEADS);
  readonly #slabs: SlabReader | undefined;
  #hasInterim = false;
  /** Undefined until the head of the answer has come. */
  #body: BodyReader | undefined;
  #isOver = false;

  constructor(socket: Socket, memory: SlabPool, path: string, headers: OutgoingHttpHeaders, outcome: Outcome) {
    super();
    this.#socket = socket;
    this.#outcome = outcome;
    socket.on('error', (error) => this.#fail(error));
    socket.once('end', () => this.#onEnd());
    socket.once('close', () => this.#onClose());
    socket.on('data', (bytes: Buffer) => this.#onBytes(bytes));
    this.#slabs = readIntoSlabs(socket, memory, {
      onBytes: ({ buffer, byteOffset, length }) => this.#onBytes(Buffer.from(buffer, byteOffset, length)),
    });
    socket.setNoDelay(true);
    socket.write(formatHead(`POST ${path} HTTP/1.1`, fieldsOf(headers)));
    socket.resume();
    // It may have told of its end before.
    if (socket.destroyed) queueMicrotask(() => this.#onClose());
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #onBytes(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      if (this.#body === undefined) this.#readHead(bytes);
      else this.#readBody(this.#body, bytes);
    } catch (error) {
      this.#fail(this.#explain(error as Error));
    }
  }

  #readHead(bytes: Buffer): void {
    let head = this.#head.read(bytes);
    while (head !== undefined && isInterim(head)) {
      this.#hasInterim = true;
      head = this.#head.read();
    }
    if (head === undefined) return;
    const { status, fields, framing } = head;
    const body = createBodyReader(framing, true);
    this.#body = body;
    this.#outcome.onAnswer({ status, headers: headersOf(fields), body: this, isWhole: () => body.isOver });
    this.#readBody(body, this.#head.takeRest());
  }

  #readBody(body: BodyReader, bytes: Buffer): void {
    body.read(bytes, (piece) => {
      if (!this.#socket.destroyed) this.emit('data', piece);
    });
    if (body.isOver) this.#finish();
  }

  #explain(error: Error): Error {
    if (!(error instanceof MessageError)) return error;
    if (this.#hasInterim && error.fault === 'too large')
      return new Error('the answer never comes: nothing but interim responses (1xx)');
    return new NotHttpError(error.message, { cause: error });
  }

  #onEnd(): void {
    if (this.#body?.end() === true) this.#finish();
    else this.#fail(hangUp());
  }

  #onClose(): void {
    this.#slabs?.stop();
    this.#fail(hangUp());
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.emit('end');
    this.emit('close');
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.destroy();
    if (this.#body === undefined) this.#outcome.onFailed(error);
    else this.emit('close');
  }
}

/** Of an answer's head, and of all interim ones before it, bytes together. */
const MAX_HEADS = 32_768;

/** As `http.request` says it. */
function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/** Of several that differ in the case of their names the last one counts, as for `http.request`. */
function fieldsOf(headers: OutgoingHttpHeaders): Field[] {
  const fields = new Map<string, Field>();
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name);
    validateHeaderValue(name, String(value));
    fields.set(name.toLowerCase(), { name, value: String(value) });
  }
  return [...fields.values()];
}

/** As `IncomingMessage.headers` has them, as far as a client of ours asks for them. */
function headersOf(fields: readonly Field[]): IncomingHttpHeaders {
  const headers: NodeJS.Dict<string | string[]> = {};
  for (const { name, value } of fields) {
    const key = name.toLowerCase();
    const before = headers[key];
    if (key === 'set-cookie') headers[key] = [...(before ?? []), value];
    else if (before === undefined) headers[key] = value;
    else if (!ONCE.has(key)) headers[key] = `${before}, ${value}`;
  }
  return headers;
}

/** Of these the first one counts. */
const ONCE: ReadonlySet<string> = new Set(['content-length', 'content-type', 'location', 'retry-after']);
