import type { IncomingMessage } from 'node:http';

/** Without the query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1).join();
}

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
