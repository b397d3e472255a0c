import type { ExchangeStart, RawHeaders, ScriptedPart } from '../watcher.js';
import type { Exchange, ExchangeKind, Message } from './exchange.js';

/** An exchange as it was at a moment. It stays as it is, even when the exchange goes on or is dropped. */
export function seenOf(exchange: Exchange): Seen {
  const { id, kind, start, response, requestTrailers, responseTrailers, requestBody, responseBody, headersLeft } =
    exchange;
  const { requestEndedAt, endedAt, failure, messageCount, messageProblem, bytesUp, bytesDown, held } = exchange;
  return {
    ...{ id, kind, start, response, requestTrailers, responseTrailers, headersLeft },
    ...{ requestEndedAt, endedAt, failure, messageCount, messageProblem, bytesUp, bytesDown, held },
    // What has come is never written over.
    requestBody: { bytes: requestBody.bytes, count: requestBody.count },
    responseBody: { bytes: responseBody.bytes, count: responseBody.count },
    informations: [...exchange.informations],
    messages: exchange.messages,
    scripted: [...exchange.scripted],
  };
}

/** As those who open WebSockets write it. */
export function urlOf({ kind, start }: Pick<Seen, 'kind' | 'start'>): string {
  return kind === 'websocket' ? start.url.replace(/^http/i, 'ws') : start.url;
}

export interface Seen {
  readonly id: number;
  readonly kind: ExchangeKind;
  readonly start: ExchangeStart;
  readonly response: Exchange['response'];
  readonly requestTrailers: RawHeaders;
  readonly responseTrailers: RawHeaders;
  readonly headersLeft: number;
  readonly requestBody: SeenBody;
  readonly responseBody: SeenBody;
  readonly requestEndedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly failure: string | undefined;
  /** What a script has changed, or made. */
  readonly scripted: readonly ScriptedPart[];
  readonly informations: readonly { readonly status: number; readonly headers: RawHeaders }[];
  readonly messages: readonly Message[];
  readonly messageCount: number;
  readonly messageProblem: string | undefined;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly held: number;
}

export interface SeenBody {
  /** What is kept of it. */
  readonly bytes: Buffer;
  /** How many there were. */
  readonly count: number;
}
