import type { IncomingHttpHeaders } from 'node:http';
import type { Writable } from 'node:stream';
import type { WayToServer } from '../open-transport.js';
import type { MessageBody } from './message-body.js';
import { formatPart, type Part, type PartKind, TRANSPORT_HEADER } from './part.js';

/** Makes the requests of one transport, which nobody else's can hold up. */
export interface Requests {
  readonly id: string;
  /** `destroy` was called. */
  readonly isOver: boolean;
  /** From here on the connections do not keep the process alive. */
  letSleep(): void;
  /** Makes one that has no body. */
  ask(what: PartKind, n: number, outcome: Outcome): void;
  /** Begins one with a body. `length`: of that, bytes; undefined for one without end. */
  post(what: PartKind, n: number, length: number | undefined, outcome: Outcome): Post;
  /** Cuts those that are under way, and all connections. */
  destroy(): void;
}

/** What becomes of a request: one of these, once. */
export interface Outcome {
  onAnswer(answer: Answer): void;
  onFailed(error: Error): void;
  /** Its connection had rested, and was cut before anything came: it may be made once more. Default: as `onFailed`. */
  onRested?(): void;
}

/** A request under way: `body` is to be ended, or destroyed. */
export interface Post {
  readonly body: Writable;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: MessageBody;
  /** Whether `received` bytes of a body that has ended are all of it. */
  isWhole(received: number): boolean;
}

/** Those of every request, besides `headers`. */
export function headersFor(
  { proxied }: Pick<WayToServer, 'proxied'>,
  headers: Readonly<Record<string, string>>,
  part: Part,
  length: number | undefined,
): Record<string, string | number> {
  return {
    ...headers,
    ...proxied?.headers,
    'content-type': 'application/octet-stream',
    'cache-control': 'no-store',
    [TRANSPORT_HEADER]: formatPart(part),
    ...(length !== undefined && { 'content-length': length }),
  };
}

/** What the status of an answer says that ends the transport. `n`: the number of the request. */
export function refusalOf(what: 'piece' | 'poll', n: number, status: number): string {
  // It has just opened, so it is another server that does not know it.
  if (status === 409 && n === 1) return NOT_KNOWN;
  return what === 'piece' ? `a piece was answered with status ${status}` : `a poll was answered with status ${status}`;
}

const NOT_KNOWN = 'the server does not know the transport (409): a balancer must send a session to one server';
