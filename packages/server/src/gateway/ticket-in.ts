import type { IncomingMessage } from 'node:http';
import { SUBPROTOCOL } from 'wsproxy-engine';
import { authorizationValues, Http2Request } from 'wsproxy-node/transports';

/**
 * The ticket that an upgrade shows in its list of subprotocols (PROTOCOL.md section 2); undefined for a request that shows none, and
 * `wrong` for one that shows it in another way than it may.
 */
export function ticketIn(request: IncomingMessage): ShownTicket | 'wrong' | undefined {
  const { headers, rawHeaders, url = '' } = request;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const [shown, ...others] = offered.filter((name) => /^ticket\./i.test(name));
  if (shown === undefined) return undefined;
  const ticket = RIGHT.exec(shown)?.[1];
  const isRight = asksForWebSocket(request) && offered.includes(SUBPROTOCOL);
  const isAlone = others.length === 0 && authorizationValues(rawHeaders).length === 0;
  // Proxies and browsers write down what stands in a URL.
  return ticket !== undefined && isRight && isAlone && !url.includes(ticket) ? { ticket } : 'wrong';
}

/** RFC 6455 section 4.1, and RFC 8441 section 4 for HTTP/2. */
function asksForWebSocket(request: IncomingMessage): boolean {
  const { method, headers } = request;
  if (request instanceof Http2Request) return method === 'CONNECT' && request.protocol === 'websocket';
  return method === 'GET' && headers.upgrade !== undefined;
}

interface ShownTicket {
  readonly ticket: string;
}

/** 32 bytes in base64url. */
const RIGHT = /^ticket\.([\w-]{43})$/;
