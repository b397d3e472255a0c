import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Arrival } from 'wsproxy-node/transports';
import type { Denial } from '../users/denial.js';

/** The statuses the gateway answers with, all but 101. */
export const REFUSAL_STATUSES = [400, 401, 403, 404, 405, 408, 409, 426, 429, 431, 503] as const;

export type RefusalStatus = (typeof REFUSAL_STATUSES)[number];

/** Why, for the log: what an operator looks for. Anyone who is refused learns the status, and no more. */
export type RefusalReason =
  | Denial['reason']
  | 'authentication failed'
  | 'its session is elsewhere'
  | 'malformed'
  | 'not an upgrade'
  | 'not handed on'
  | 'no request for a ticket'
  | 'not on the path'
  | 'origin'
  | 'out of turn'
  | 'several tokens'
  | 'the store is away'
  | 'too large'
  | 'too late'
  | 'too many sessions'
  | 'too many tickets'
  | 'wrong Host'
  | 'wrong ticket'
  | 'wrong upgrade';

/** The status for anyone who may not come in, why, and whether it is a stranger who must learn nothing. */
export interface Refusal extends Pick<Denial, 'user' | 'tokenLabel'> {
  readonly status: RefusalStatus;
  readonly reason: RefusalReason;
  readonly isStranger: boolean;
  /** Of the process that has the session, and does not answer. */
  readonly route?: string;
  /** Of the page that asked, if its scripts may read the answer. */
  readonly origin?: string;
}

export function stranger(status: RefusalStatus, reason: RefusalReason): Refusal {
  return { status, reason, isStranger: true };
}

/** The process with this route may have the session, and does not answer: it may do so later (PROTOCOL.md section 2). */
export function elsewhere(route: string, user: string): Refusal {
  return { ...known(503, 'its session is elsewhere', user), route };
}

export function known(status: RefusalStatus, reason: RefusalReason, user?: string): Refusal {
  return { status, reason, isStranger: false, ...(user !== undefined && { user }) };
}

/** Refuses a request, however it has come, by the same bytes. */
export function refuse(arrival: Arrival, status: RefusalStatus, told: Told = {}): void {
  if ('response' in arrival) refuseRequest(arrival.response, status, told);
  else if ('stream' in arrival) refuseStream(arrival, status, told);
  else refuseSocket(arrival.socket, status, told);
}

/** When somebody with too many sessions may ask again, s. */
const RETRY_AFTER = 30;

/** Of an ordinary request: a constant text, no banner, and the connection ends. */
function refuseRequest(response: ServerResponse, status: RefusalStatus, told: Told): void {
  // The same bytes whether the request asked for an upgrade or not, so without the Date that Node would add here.
  response.sendDate = false;
  response.writeHead(status, headersWith(status, told)).end(refusalBody(status));
}

/** By HTTP/2, which has no word for the connection in a head (RFC 9113 section 8.2.2). */
function refuseStream(
  { request, stream }: Extract<Arrival, { stream: unknown }>,
  status: RefusalStatus,
  told: Told,
): void {
  if (stream.destroyed || stream.closed) return;
  const { Connection: _, Upgrade: __, ...headers } = headersWith(status, told);
  stream.respond({ ':status': status, ...headers });
  stream.end(request.method === 'HEAD' ? undefined : refusalBody(status));
}

/** The same answer on a connection that Node's HTTP server has let go of. */
export function refuseSocket(socket: Duplex, status: RefusalStatus, told: Told = {}): void {
  const headers = Object.entries(headersWith(status, told)).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join('')}\r\n`;
  socket.once('finish', () => socket.destroy());
  socket.end(head + refusalBody(status));
}

/** What an answer tells besides its status. */
type Told = Pick<Refusal, 'route' | 'origin'>;

function headersWith(status: RefusalStatus, { route, origin }: Told): Record<string, string> {
  return {
    ...refusalHeaders(status),
    ...(route !== undefined && retryAt(route)),
    ...(origin !== undefined && { ...shareWith(origin), 'Cache-Control': 'no-store' }),
  };
}

/** The fetch standard, "CORS protocol": for one origin, and never for all. */
export function shareWith(origin: string): Record<string, string> {
  return { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': 'retry-after', Vary: 'Origin' };
}

function refusalHeaders(status: RefusalStatus): Record<string, string> {
  return {
    'Content-Type': 'text/plain',
    'Content-Length': String(refusalBody(status).length),
    'X-Content-Type-Options': 'nosniff',
    // RFC 9110 section 11.6.1.
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
    // RFC 9110 section 10.2.1.
    ...(status === 405 && { Allow: 'GET, HEAD' }),
    // RFC 6585 section 4.
    ...(status === 429 && { 'Retry-After': String(RETRY_AFTER) }),
    // RFC 9110 sections 15.5.22 and 7.8.
    ...(status === 426 ? { Upgrade: 'websocket', Connection: 'Upgrade, close' } : { Connection: 'close' }),
  };
}

/** RFC 9110 section 10.2.3, in seconds. */
function retryAt(route: string): Record<string, string> {
  return { 'Retry-After': '1', 'Wsproxy-Route': route };
}

function refusalBody(status: RefusalStatus): string {
  return `${STATUS_CODES[status]}\n`;
}
