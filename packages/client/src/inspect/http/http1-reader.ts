import {
  type BodyReader,
  createBodyReader,
  type Field,
  isInterim,
  listOf,
  RequestHeadReader,
  ResponseHeadReader,
  rawOf,
  valuesOf,
} from 'wsproxy-node/http-message';
import { GrowingBytes } from '../growing-bytes.js';
import type { Direction, Reader } from './reader.js';
import type { Exchange, Teller } from './tell.js';

/** Reads HTTP/1.x as it passes (RFC 9112): requests may follow each other before they are answered. */
export class Http1Reader implements Reader {
  readonly #teller: Teller;
  #requestHead = new RequestHeadReader();
  /** Of which the body is not over. */
  #request: { readonly pending: Pending; readonly body: BodyReader } | undefined;
  /** Those that are not answered in full, the oldest first. */
  readonly #pending: Pending[] = [];
  /** May have the last word in HTTP. What follows it is held until it has been answered. */
  #last: Pending | undefined;
  #held = new GrowingBytes(MAX_HELD);
  /** Has had it. */
  #tunnel: Exchange | undefined;
  /** How the answer begins that nobody has asked for. */
  #unasked = '';

  constructor(teller: Teller) {
    this.#teller = teller;
  }

  read(direction: Direction, bytes: Buffer): void {
    if (this.#tunnel !== undefined) this.#tunnel.onBytes(direction, bytes);
    else if (direction === 'up') this.#readRequests(bytes);
    else this.#readResponses(bytes);
  }

  end(direction: Direction): void {
    const [first] = this.#pending;
    if (direction === 'down' && first?.body?.end() === true) this.#endResponse(first, first.body);
  }

  close(failure?: string): void {
    this.#tunnel?.end(failure);
    const why = failure ?? 'the connection has ended before the answer';
    for (const { exchange } of this.#pending.splice(0)) exchange.end(why);
    // It may have its answer, and not have ended for all that.
    this.#request?.pending.exchange.end(failure ?? 'the connection has ended within the request');
  }

  #readRequests(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#last !== undefined) return this.#hold(rest);
      if (this.#request === undefined) {
        const head = this.#requestHead.read(rest);
        if (head === undefined) return;
        rest = this.#requestHead.rest;
        this.#requestHead = new RequestHeadReader();
        const pending = this.#begin(head.method, head.requestTarget, head.minor, head.fields);
        this.#request = { pending, body: createBodyReader(head.framing, false) };
      }
      const { pending, body } = this.#request;
      rest = rest.subarray(body.read(rest, (piece) => pending.exchange.onRequestBody(piece)));
      if (!body.isOver) continue;
      this.#request = undefined;
      pending.exchange.onRequestEnd(rawOf(body.trailers));
      if (pending.mayBeLast && pending.body === undefined) this.#last = pending;
    }
  }

  #begin(method: string, path: string, minor: 0 | 1, fields: readonly Field[]): Pending {
    const [authority] = valuesOf(fields, 'host');
    const exchange = this.#teller.begin({
      ...{ version: `1.${minor}` as const, method, headers: rawOf(fields), path },
      authority: authority === '' ? undefined : authority,
    });
    const mayBeLast = method === 'CONNECT' || listOf(fields, 'upgrade').length > 0;
    const pending = { exchange, method, mayBeLast, head: new ResponseHeadReader(method), body: undefined };
    this.#pending.push(pending);
    if (this.#pending.length > MAX_PENDING) throw new Error('too many requests wait for an answer');
    return pending;
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes);
    if (!this.#held.isWhole) throw new Error('too much follows a request that asks for another protocol');
  }

  #takeHeld(): Buffer {
    const { bytes } = this.#held;
    [this.#held, this.#last] = [new GrowingBytes(MAX_HELD), undefined];
    return bytes;
  }

  #readResponses(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      const [first] = this.#pending;
      if (this.#tunnel !== undefined) return this.#tunnel.onBytes('down', rest);
      if (first === undefined || this.#unasked !== '') return this.#readUnasked(rest);
      if (first.body === undefined) {
        const body = this.#readHead(first, rest);
        if (body === undefined) return;
        rest = first.head.takeRest();
        first.body = body;
        if (this.#tunnel !== undefined) continue;
      }
      const { body, exchange } = first;
      rest = rest.subarray(body.read(rest, (piece) => exchange.onResponseBody(piece)));
      if (body.isOver) this.#endResponse(first, body);
    }
  }

  /** RFC 9110 section 15.5.9: so servers may end a connection that nobody has used for some time. It is nothing to be told. */
  #readUnasked(bytes: Buffer): void {
    this.#unasked = (this.#unasked + bytes.toString('latin1')).slice(0, 'HTTP/1.1 408'.length);
    if (TIMEOUTS.some((timeout) => timeout.startsWith(this.#unasked))) return;
    throw new Error('there is an answer that nobody has asked for');
  }

  /** What follows a final head. */
  #readHead(pending: Pending, bytes: Buffer): BodyReader | undefined {
    const { exchange, head: reader, method } = pending;
    for (let head = reader.read(bytes); head !== undefined; head = reader.read()) {
      const { status, reason, minor, fields, framing } = head;
      const headers = rawOf(fields);
      if (isInterim(head)) {
        exchange.onInformation(status, headers);
        continue;
      }
      exchange.onResponse({
        at: this.#teller.now,
        status,
        statusText: reason,
        version: `1.${minor}` as const,
        headers,
      });
      const isTunnel = status === 101 || (method === 'CONNECT' && status >= 200 && status < 300);
      if (isTunnel) this.#becomeTunnel(pending);
      else if (this.#last === pending) this.#readRequests(this.#takeHeld());
      return createBodyReader(isTunnel ? { kind: 'none' } : framing, false);
    }
    return undefined;
  }

  #becomeTunnel({ exchange }: Pending): void {
    this.#pending.shift();
    this.#tunnel = exchange;
    const held = this.#takeHeld();
    if (held.length > 0) exchange.onBytes('up', held);
  }

  #endResponse({ exchange }: Pending, body: BodyReader): void {
    this.#pending.shift();
    exchange.onResponseEnd(rawOf(body.trailers));
  }
}

/** A request that waits for the rest of its answer. */
interface Pending {
  readonly exchange: Exchange;
  readonly method: string;
  readonly mayBeLast: boolean;
  readonly head: ResponseHeadReader;
  /** Once the final head has come. */
  body: BodyReader | undefined;
}

/** How an answer begins that ends a connection which nobody uses. */
export const TIMEOUTS: readonly string[] = ['HTTP/1.1 408', 'HTTP/1.0 408'];
/** Bytes that follow what may be the last request. */
const MAX_HELD: number = 256 * 1024;
const MAX_PENDING = 1_000;
