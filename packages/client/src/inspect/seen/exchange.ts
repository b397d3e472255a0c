import type { Clock } from 'wsproxy-engine';
import { GrowingBytes } from '../growing-bytes.js';
import type { ExchangeStart, ExchangeWatcher, RawHeaders, ScriptedPart } from '../watcher.js';
import { compressionOf } from './extensions.js';
import { firstHeaders, headerOf, mediaTypeOf, sizeOfHeaders } from './headers.js';
import { Inflater } from './inflater.js';
import { MessageReader, type ReadMessage } from './message-reader.js';
import { ownText } from './own-memory.js';

/** A request and its answer, with what was said on the WebSocket that came of it. Bounded. */
export class Exchange implements ExchangeWatcher {
  /** Counted from 1. */
  readonly id: number;
  start: ExchangeStart;
  readonly requestBody: GrowingBytes;
  readonly responseBody: GrowingBytes;
  readonly informations: Information[] = [];
  response: Response | undefined;
  requestTrailers: RawHeaders = [];
  responseTrailers: RawHeaders = [];
  /** Milliseconds since 1970. */
  requestEndedAt: number | undefined;
  endedAt: number | undefined;
  failure: string | undefined;
  /** What a script has changed, or made. */
  readonly scripted: ScriptedPart[] = [];
  /** Pairs of headers that are not kept. */
  headersLeft = 0;
  /** Messages that have passed, and bytes after a 101. */
  messageCount = 0;
  bytesUp = 0;
  bytesDown = 0;
  /** Why messages are not read any more. */
  messageProblem: string | undefined;
  readonly #clock: Clock;
  readonly #keeper: Keeper;
  #held = 0;
  /** Oldest first; from the beginning on, so many are gone: the others are not moved for each of them. */
  #messages: (Message | undefined)[] = [];
  #messagesGone = 0;
  #messageBytes = 0;
  #readers: Readonly<Record<Direction, MessageReader>> | undefined;
  #isGone = false;

  constructor(id: number, start: ExchangeStart, clock: Clock, keeper: Keeper) {
    this.id = id;
    this.#clock = clock;
    this.#keeper = keeper;
    this.start = {
      ...start,
      url: ownText(start.url, MOST_URL),
      method: ownText(start.method, MOST_WORD),
      headers: this.#keepHeaders(start.headers),
    };
    this.requestBody = new GrowingBytes(MOST_BODY, this.#hold);
    this.responseBody = new GrowingBytes(MOST_BODY, this.#hold);
    this.#hold(OVERHEAD + this.start.url.length);
  }

  get kind(): ExchangeKind {
    if (this.isWebSocket) return 'websocket';
    return mediaTypeOf(this.response?.headers ?? []) === 'text/event-stream' ? 'events' : 'http';
  }

  /** RFC 6455 section 4, and RFC 8441 section 5. */
  get isWebSocket(): boolean {
    const { headers } = this.start;
    if (this.response?.status === 101) return headerOf(headers, 'upgrade')?.toLowerCase() === 'websocket';
    return this.response?.status === 200 && headerOf(headers, ':protocol') === 'websocket';
  }

  get isOver(): boolean {
    return this.endedAt !== undefined;
  }

  /** The last ones, oldest first. */
  get messages(): readonly Message[] {
    return this.#messages.filter((message) => message !== undefined);
  }

  /** Whether it was dropped to make room for others, or by the user: it keeps nothing more, and is told no more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Bytes of memory. */
  get held(): number {
    return this.#held;
  }

  onRequestBody(chunk: Uint8Array): void {
    this.requestBody.push(chunk);
    this.#change();
  }

  onRequestEnd(trailers: RawHeaders): void {
    this.requestEndedAt = this.#clock.wallTime();
    this.requestTrailers = this.#keepHeaders(trailers);
    this.#change();
  }

  onInformation(status: number, headers: RawHeaders): void {
    if (!this.#isGone && this.informations.length < MOST_INFORMATIONS) {
      this.informations.push({ status, headers: this.#keepHeaders(headers) });
    }
    this.#change();
  }

  onResponse(head: Response): void {
    if (this.#isGone) return;
    this.response = {
      ...head,
      statusText: ownText(head.statusText, MOST_WORD),
      headers: this.#keepHeaders(head.headers),
    };
    if (this.isWebSocket) this.#readMessages();
    this.#change();
  }

  onResponseBody(chunk: Uint8Array): void {
    this.responseBody.push(chunk);
    this.#change();
  }

  onResponseEnd(trailers: RawHeaders): void {
    this.responseTrailers = this.#keepHeaders(trailers);
    this.#change();
  }

  onBytes(direction: Direction, chunk: Uint8Array): void {
    if (direction === 'up') this.bytesUp += chunk.length;
    else this.bytesDown += chunk.length;
    const reader = this.#readers?.[direction];
    if (reader !== undefined) {
      reader.push(chunk);
      this.messageProblem ??= reader.problem;
    }
    this.#change();
  }

  onScripted(part: ScriptedPart): void {
    this.scripted.push(part);
    this.#change();
  }

  onEnd(failure?: string): void {
    if (this.isOver) return;
    this.endedAt = this.#clock.wallTime();
    if (this.#isGone) return;
    this.failure = failure && ownText(failure, MOST_URL);
    this.#closeReaders();
    this.#change();
    this.#keeper.onOver(this);
  }

  /** Lets go of what it keeps; what still comes is not kept. */
  drop(): void {
    this.#isGone = true;
    this.#closeReaders();
    this.requestBody.drop();
    this.responseBody.drop();
    [this.#messages, this.#messagesGone] = [[], 0];
    // Its connection may live for long, and has a hold on it.
    this.start = { ...this.start, url: '', headers: [] };
    this.response = undefined;
    this.informations.length = 0;
    [this.requestTrailers, this.responseTrailers] = [[], []];
    this.#keeper.onHold(-this.#held);
    this.#held = 0;
  }

  #readMessages(): void {
    const compression = compressionOf(headerOf(this.response?.headers ?? [], 'sec-websocket-extensions'));
    const readerOf = (direction: Direction): MessageReader => {
      const inflater = compression && new Inflater(compression[direction].keepsContext, this.#hold);
      return new MessageReader(inflater, this.#hold, (message) => this.#addMessage(direction, message));
    };
    this.#readers = { up: readerOf('up'), down: readerOf('down') };
  }

  #addMessage(direction: Direction, read: ReadMessage): void {
    if (this.#isGone) return;
    this.messageCount += 1;
    const { opcode, wireBytes, bytes, data } = read;
    const at = this.#clock.wallTime();
    const message = { opcode, wireBytes, bytes, data, number: this.messageCount, direction, at };
    this.#messages.push(message);
    this.#countMessage(message, 1);
    while (this.#messages.length - this.#messagesGone > MOST_MESSAGES || this.#messageBytes > MOST_MESSAGE_BYTES) {
      this.#dropFirstMessage();
    }
    this.#keeper.onMessage(this, message);
  }

  #dropFirstMessage(): void {
    const first = this.#messages[this.#messagesGone];
    if (first !== undefined) this.#countMessage(first, -1);
    this.#messages[this.#messagesGone] = undefined;
    this.#messagesGone += 1;
    if (this.#messagesGone < MOST_MESSAGES) return;
    this.#messages.splice(0, this.#messagesGone);
    this.#messagesGone = 0;
  }

  #countMessage({ data }: Message, sign: 1 | -1): void {
    const change = sign * (data.length + MESSAGE_OVERHEAD);
    this.#messageBytes += change;
    this.#hold(change);
  }

  #closeReaders(): void {
    this.#readers?.up.close();
    this.#readers?.down.close();
    this.#readers = undefined;
  }

  #keepHeaders(all: RawHeaders): RawHeaders {
    if (all.length === 0 || this.#isGone) return [];
    const { headers, left } = firstHeaders(all, MOST_HEADERS);
    this.headersLeft += left;
    this.#hold(sizeOfHeaders(headers));
    return headers;
  }

  #change(): void {
    if (!this.#isGone) this.#keeper.onChange(this);
  }

  readonly #hold = (change: number): void => {
    if (this.#isGone) return;
    this.#held += change;
    this.#keeper.onHold(change);
  };
}

/** Who keeps exchanges is told what becomes of them. */
export interface Keeper {
  /** It takes so much more memory, bytes. */
  onHold(change: number): void;
  onChange(exchange: Exchange): void;
  onMessage(exchange: Exchange, message: Message): void;
  onOver(exchange: Exchange): void;
}

export type ExchangeKind = 'http' | 'events' | 'websocket';
export type Direction = 'up' | 'down';

export interface Message extends ReadMessage {
  /** Counted from 1 within the WebSocket, both directions together. */
  readonly number: number;
  readonly direction: Direction;
  /** When its last byte passed, ms since 1970. */
  readonly at: number;
}

type Response = Parameters<ExchangeWatcher['onResponse']>[0];

interface Information {
  readonly status: number;
  readonly headers: RawHeaders;
}

/** Of each direction, bytes. */
const MOST_BODY = 1_048_576;
/** Characters, and what Node keeps of a string beside them. */
const MOST_HEADERS = 65_536;
const MOST_URL = 16_384;
const MOST_WORD = 256;
const MOST_INFORMATIONS = 16;
const MOST_MESSAGES = 1_000;
const MOST_MESSAGE_BYTES = 4_194_304;
/** What objects take, roughly. */
const OVERHEAD = 2_048;
const MESSAGE_OVERHEAD = 384;
