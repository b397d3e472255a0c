import type { IncomingMessage } from 'node:http';
import type { Logger } from 'wsproxy-engine';
import type { Arrival } from 'wsproxy-node/transports';
import type { User } from '../users/user.js';
import type { Authorize } from './authorize.js';
import type { Caller } from './caller.js';
import { known, type Refusal, shareWith } from './refusal.js';

/** Answers those who have a token with a ticket, on a path of its own. */
export class TicketDoor {
  readonly #options: TicketDoorOptions;

  constructor(options: TicketDoorOptions) {
    this.#options = options;
  }

  /** Answers a request, or says why it is to be refused: a page that is allowed is told as well. */
  async serve(arrival: Ordinary): Promise<Refusal | 'answered'> {
    const origin = this.#options.allowOrigins.find((each) => each === arrival.request.headers.origin);
    const outcome = await this.#answer(arrival, origin);
    return outcome === 'answered' || origin === undefined ? outcome : { ...outcome, origin };
  }

  async #answer(arrival: Ordinary, origin: string | undefined): Promise<Refusal | 'answered'> {
    const { authorize, createTicket, logger, callerOf } = this.#options;
    const { request } = arrival;
    const { method, headers } = request;
    const shared = origin === undefined ? {} : shareWith(origin);
    if (method === 'OPTIONS' && origin !== undefined) return answer(arrival, 204, { ...shared, ...PREFLIGHT });
    const who = await authorize(request);
    if ('status' in who) return who;
    const { user } = who;
    // No form of a foreign page can send that: a browser asks first, and is told of no other origin.
    if (method !== 'POST' || headers['wsproxy-ticket'] !== '1') return known(400, 'no request for a ticket', user.id);
    const made = await createTicket(user, origin);
    if ('status' in made) return made;
    logger.debug({ user: user.id, ...callerOf(request) }, 'made a ticket');
    return answer(arrival, 200, { ...shared, 'Content-Type': 'application/json' }, JSON.stringify(made));
  }
}

export interface TicketDoorOptions {
  readonly authorize: Authorize;
  readonly allowOrigins: readonly string[];
  /** One for this user, from this origin, or why there is none. */
  readonly createTicket: (user: User, origin: string | undefined) => Promise<MadeTicket | Refusal>;
  readonly logger: Logger;
  readonly callerOf: (request: IncomingMessage) => Caller;
}

interface MadeTicket {
  readonly ticket: string;
  readonly expiresInMs: number;
}

/** A request that wants no WebSocket on its connection. */
type Ordinary = Exclude<Arrival, { readonly socket: unknown }>;

const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': 'authorization, wsproxy-ticket',
};

function answer(arrival: Ordinary, status: number, given: Record<string, string>, body = ''): 'answered' {
  const length = status === 204 ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const fields = { ...given, ...length, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
  if ('response' in arrival) arrival.response.writeHead(status, { ...fields, Connection: 'close' }).end(body);
  else if (!arrival.stream.destroyed && !arrival.stream.closed) {
    arrival.stream.respond({ ':status': status, ...fields });
    arrival.stream.end(body);
  }
  return 'answered';
}
