import type { IncomingMessage } from 'node:http';
import { parseAuthority, type Target } from 'wsproxy-engine';
import { type Destination, parseAbsoluteForm, schemeOf } from './absolute-form.js';
import { countHeader, hasUnknownTransferCoding } from './http-headers.js';
import { type HttpRefusal, REFUSALS } from './http-refusal.js';

export const MAX_HEADER_BYTES: number = 16 * 1024;
export const MAX_HEADER_FIELDS = 100;

/** What a request asks for, or why it will not get it. */
export type Decision<T> = { readonly accepted: T } | { readonly refusal: HttpRefusal };

/** Where a CONNECT goes. Node emits it for any request-target and with any headers, hence the checks here. */
export function decideConnect(request: IncomingMessage): Decision<Target> {
  const refusal = checkMessage(request);
  if (refusal !== undefined) return { refusal };
  // RFC 9110 section 9.3.6: it has no content, and Node would hand the content over as early data.
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  if (length !== undefined || coding !== undefined) return { refusal: REFUSALS.BODY_ON_CONNECT };
  const target = parseAuthority(request.url ?? '');
  return target === undefined ? { refusal: REFUSALS.BAD_AUTHORITY } : { accepted: target };
}

/** Where any other request goes; only `http://` in absolute form goes anywhere. */
export function decideRequest(request: IncomingMessage): Decision<Destination> {
  const { method = '', url = '', headers } = request;
  if (method === 'TRACE' || (method === 'OPTIONS' && url === '*')) return { refusal: REFUSALS.BAD_METHOD };
  const scheme = schemeOf(url);
  if (scheme === undefined) {
    // Origin form is what web pages send, by fetch or by WebSocket.
    const fromPage = headers.origin ?? headers['sec-fetch-site'] ?? headers.upgrade;
    return { refusal: fromPage === undefined ? REFUSALS.NOT_A_PROXY_REQUEST : REFUSALS.FROM_A_PAGE };
  }
  const refusal = checkMessage(request);
  if (refusal !== undefined) return { refusal };
  if (scheme !== 'http') return { refusal: REFUSALS.NEEDS_CONNECT };
  if (hasUnknownTransferCoding(request)) return { refusal: REFUSALS.BAD_TRANSFER_CODING };
  // Node sends the head of such a request in UTF-8: better no expectation than other bytes.
  if (headers.expect !== undefined && !isAscii(request.rawHeaders)) return { refusal: REFUSALS.BAD_EXPECTATION };
  const destination = parseAbsoluteForm(method, url);
  return destination === undefined ? { refusal: REFUSALS.BAD_URI } : { accepted: destination };
}

function checkMessage(request: IncomingMessage): HttpRefusal | undefined {
  const { httpVersion } = request;
  if (httpVersion !== '1.0' && httpVersion !== '1.1') return REFUSALS.BAD_VERSION;
  if (request.rawHeaders.length > 2 * MAX_HEADER_FIELDS) return REFUSALS.HEADERS_TOO_LARGE;
  // RFC 9112 section 3.2; the target wins over what it says.
  const hosts = countHeader(request, 'host');
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return REFUSALS.BAD_HOST_HEADER;
  return undefined;
}

function isAscii(texts: readonly string[]): boolean {
  return texts.every((text) => /^[\0-\x7f]*$/.test(text));
}
