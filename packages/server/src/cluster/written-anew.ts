import { randomBytes } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { SUBPROTOCOL } from 'wsproxy-engine';
import { type Field, formatHead } from 'wsproxy-node/http-message';
import { HANDED } from './handed.js';
import { formatRoute, type Route } from './route.js';

/**
 * The request of a client as another process gets it. Of what the client wrote only that goes on which the upgrade itself
 * needs, and whether it resumes: who it is was judged here, so that neither tokens nor cookies go further.
 */
export function writtenAnew({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>, route: Route, handed: string): Buffer {
  const needed = fieldsOf(rawHeaders).filter(({ name }) => NEEDED.test(name));
  const hasKey = needed.some(({ name }) => name.toLowerCase() === 'sec-websocket-key');
  return formatHead('GET / HTTP/1.1', [
    { name: 'Host', value: 'wsproxy' },
    { name: 'Connection', value: 'Upgrade' },
    { name: 'Upgrade', value: 'websocket' },
    // Not as the client wrote it: a ticket may stand there, which is spent.
    { name: 'Sec-WebSocket-Protocol', value: SUBPROTOCOL },
    ...needed,
    // RFC 8441 section 5: HTTP/2 does without it.
    ...(hasKey ? [] : [{ name: 'Sec-WebSocket-Key', value: newKey() }]),
    { name: 'Wsproxy-Route', value: formatRoute(route) },
    { name: HANDED, value: handed },
  ]);
}

/** The same of an ordinary request, whose body follows as it comes: with the transport that it belongs to. */
export function headersAnew(
  { headers }: Pick<IncomingMessage, 'headers'>,
  route: Route,
  handed: string,
): OutgoingHttpHeaders {
  const needed = Object.entries(headers).filter(([name]) =>
    /^(?:content-length|wsproxy-resume|wsproxy-transport)$/.test(name),
  );
  return {
    ...Object.fromEntries(needed),
    Host: 'wsproxy',
    Connection: 'close',
    'Wsproxy-Route': formatRoute(route),
    [HANDED]: handed,
  };
}

/** RFC 6455 section 4.1. */
function newKey(): string {
  return randomBytes(16).toString('base64');
}

/** RFC 6455 section 4.1; and that it is no new session, for which the owner needs a place. */
const NEEDED = /^(?:sec-websocket-(?!protocol$).*|wsproxy-resume)$/i;

function fieldsOf(rawHeaders: readonly string[]): Field[] {
  return rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [{ name, value: rawHeaders[i + 1] ?? '' }] : []));
}
