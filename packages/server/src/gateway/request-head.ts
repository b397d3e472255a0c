import type { IncomingMessage } from 'node:http';

/** Without the query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1).join();
}

/** The path as logs may show it: a client may have put a wisp token anywhere in it. */
export function shownPathOf(request: IncomingMessage): string {
  return pathOf(request).replace(LIKE_WISP_TOKEN, '[redacted]').slice(0, MAX_SHOWN);
}

/** What a URL carries unchanged, and percent signs beside it, as one part of a path at least. */
const LIKE_WISP_TOKEN = /[\w.~%-]{32,}/g;
/** What one request may add to the log, characters. */
const MAX_SHOWN = 256;

/** RFC 9112 section 3.2: one Host, and it may be missing only before HTTP/1.1. */
export function hasRightHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  return hosts === 1 || (hosts === 0 && httpVersion < '1.1');
}

/** RFC 9112 section 6.3: chunks are the last coding, and here the only one. Node takes others for bodies that end with the connection. */
export function hasRightCoding({ headers }: IncomingMessage): boolean {
  const { 'transfer-encoding': coding } = headers;
  return coding === undefined || coding.toLowerCase() === 'chunked';
}
