import type { IncomingMessage } from 'node:http';
import type { Clock, SlabPool } from 'wsproxy-engine';
import { type Exchange, exchangeOf } from '../exchange.js';
import type { AcceptHandler, Arrival, TransportAcceptor } from '../transport-acceptor.js';
import { credentialOf, isSameCredential } from './credential.js';
import { EndedIds } from './ended-ids.js';
import { HttpTransport } from './http-transport.js';
import { type Part, parsePart, TRANSPORT_HEADER } from './part.js';
import { ServerHalves } from './server-halves.js';

/** Makes a transport of ordinary requests, at the server's end: POST alone, and each says which transport it is for. */
export class HttpAcceptor implements TransportAcceptor {
  readonly name = 'transport over HTTP';
  readonly #options: HttpAcceptorOptions;
  readonly #open = new Map<string, Entry>();
  readonly #ended: EndedIds;

  constructor(options: HttpAcceptorOptions) {
    this.#options = options;
    this.#ended = new EndedIds(options.clock);
  }

  /** Transports that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Those that are over and still remembered. */
  get remembered(): number {
    return this.#ended.size;
  }

  recognizes(arrival: Arrival): boolean {
    return exchangeOf(arrival) !== undefined && partOf(arrival.request) !== undefined;
  }

  isRight({ request }: Arrival): boolean {
    return request.method === 'POST';
  }

  isPart({ request }: Arrival): boolean {
    const what = partOf(request)?.what;
    return what === 'stream' || what === 'piece' || what === 'poll';
  }

  ownerOf(arrival: Arrival): string | undefined {
    const entry = this.isPart(arrival) ? this.#open.get(partOf(arrival.request)?.id ?? '') : undefined;
    if (entry === undefined || !isSameCredential(entry.credential, credentialOf(arrival.request))) return undefined;
    return entry.owner;
  }

  partKeyOf(arrival: Arrival): string | undefined {
    const credential = this.isPart(arrival) ? credentialOf(arrival.request) : undefined;
    return credential && `${partOf(arrival.request)?.id} ${credential.toString('base64')}`;
  }

  accept(arrival: Arrival, handler: AcceptHandler): void {
    const part = partOf(arrival.request);
    const exchange = exchangeOf(arrival);
    if (exchange === undefined || part === undefined) return handler.onRefused(400);
    const entry = this.#open.get(part.id);
    const isMine = entry?.owner === handler.owner;
    const isLate = exchange.answer.destroyed;
    if (this.isPart(arrival) && entry !== undefined && isMine && entry.halves.take(part, welcome(part, exchange))) {
      return handler.onPart();
    }
    if (!this.isPart(arrival) && entry === undefined && !this.#ended.has(part.id) && !isLate) {
      return this.#begin(part, welcome(part, exchange), handler);
    }
    // Somebody on the way has asked twice, or something is missing: the session goes on with another transport.
    if (isMine) entry?.transport.onLost('a request came twice, or out of turn');
    handler.onRefused(409);
  }

  #begin(part: Part, exchange: Exchange, handler: AcceptHandler): void {
    const { memory, clock, headers } = this.#options;
    const opening = { ...headers, 'Wsproxy-Transport': part.id };
    const halves = new ServerHalves(part, exchange, { memory, clock, headers: DOWN, opening });
    const transport = new HttpTransport(halves, clock);
    const { owner } = handler;
    this.#open.set(part.id, { owner, credential: credentialOf(exchange.request), halves, transport });
    const onClosed = handler.onTransport(transport, part.what === 'open' ? 'HTTP' : 'HTTP polling');
    transport.onClosed = () => {
      this.#open.delete(part.id);
      this.#ended.add(part.id, owner);
      onClosed();
    };
  }
}

interface Entry {
  /** Whose it is. */
  readonly owner: string;
  /** Of the request that opened it. */
  readonly credential: Buffer | undefined;
  readonly halves: ServerHalves;
  readonly transport: HttpTransport;
}

export interface HttpAcceptorOptions {
  readonly memory: SlabPool;
  readonly clock: Pick<Clock, 'now' | 'setTimer' | 'deferPastInput'>;
  /** Of each answer that opens a transport, and of no other. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** So that nobody on the way keeps or changes what goes down: the type is the one that most of them pass on as it comes. */
const DOWN = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

function welcome({ what }: Part, exchange: Exchange): Exchange {
  if (exchange.request.headers.expect !== undefined) exchange.invite();
  // What has no end ends with the transport.
  if (what === 'open' || what === 'stream') exchange.closeAfter();
  return exchange;
}

/** As the only line of its name says it. */
function partOf({ headers }: IncomingMessage): Part | undefined {
  const text = headers[TRANSPORT_HEADER];
  return typeof text === 'string' ? parsePart(text) : undefined;
}
