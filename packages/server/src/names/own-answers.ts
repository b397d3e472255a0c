import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { FAILURES, type FailureCode, TunnelError } from 'wsproxy-engine';
import { type Field, formatHead, rawOf } from 'wsproxy-node/http-message';

/** The statuses that the port itself answers with; anything else comes from a service. */
export type OwnStatus = 400 | 404 | 405 | 408 | 431 | 501 | 502 | 503 | 504 | 505;

/** Answers a request that reaches no service: by a constant page, the same for every name and path. */
export function answerHere(response: ServerResponse, status: OwnStatus): void {
  // What is wrong with a request may be where it ends.
  const fields = status === 400 ? [...fieldsFor(status), CLOSE] : fieldsFor(status);
  response.writeHead(status, rawOf(fields)).end(bodyOf(status));
}

/** The same where Node has found no request. */
export function answerConnection(socket: Duplex, status: OwnStatus): void {
  const head = formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, [...fieldsFor(status), CLOSE]);
  socket.once('finish', () => socket.destroy());
  socket.end(Buffer.concat([head, Buffer.from(bodyOf(status))]));
}

/** How a request is answered whose connection to the service has failed: strangers learn no more than whom to wait for. */
export function statusOf(error: Error): OwnStatus {
  if (!(error instanceof TunnelError)) return 502;
  if (UNTIL_LATER.has(error.code)) return 503;
  return FAILURES[error.code].http === 504 ? 504 : 502;
}

const UNTIL_LATER: ReadonlySet<FailureCode> = new Set(['LIMIT_REACHED', 'QUOTA_USED_UP', 'GOING_AWAY', 'SESSION_LOST']);

/** Seconds; about what a lost tunnel needs to come back. */
const RETRY_AFTER = '5';

function bodyOf(status: OwnStatus): string {
  return `${STATUS_CODES[status]}\n`;
}

const CLOSE: Field = { name: 'Connection', value: 'close' };

function fieldsFor(status: OwnStatus): Field[] {
  const fields = [
    { name: 'Content-Type', value: 'text/plain' },
    { name: 'Content-Length', value: String(bodyOf(status).length) },
    { name: 'X-Content-Type-Options', value: 'nosniff' },
    { name: 'Cache-Control', value: 'no-store' },
  ];
  return status === 503 ? [...fields, { name: 'Retry-After', value: RETRY_AFTER }] : fields;
}
