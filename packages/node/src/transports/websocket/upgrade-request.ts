import type { IncomingMessage } from 'node:http';
import { Http2Request } from '../http2-request.js';
import type { Arrival } from '../transport-acceptor.js';

/** Whether a request is an upgrade, to any protocol: `ws` looks at that. */
export function isUpgrade(arrival: Arrival): boolean {
  return 'socket' in arrival || isExtendedConnect(arrival);
}

/** Whether such a request can be for a WebSocket, as far as its head tells. */
export function canBeWebSocket(arrival: Arrival): boolean {
  const { request } = arrival;
  return !hasBody(request) && (!isExtendedConnect(arrival) || isWebSocket(request));
}

function isExtendedConnect({ request }: Arrival): boolean {
  return request instanceof Http2Request && request.protocol !== undefined;
}

/** RFC 6455 section 4.1 and RFC 8441 section 5. */
function isWebSocket(request: IncomingMessage): boolean {
  const isAsked = request instanceof Http2Request && request.protocol === 'websocket';
  return isAsked && request.headers['sec-websocket-version'] === '13';
}

/** Its bytes would be taken for frames, while a reverse proxy may have taken them for a body. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
