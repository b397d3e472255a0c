import type { IncomingMessage } from 'node:http';

/** A page in a browser cannot set headers: what they would say of its session it says in the URL (PROTOCOL.md section 2). */
export function readRouteInUrl(request: Pick<IncomingMessage, 'url' | 'headers' | 'rawHeaders'>): void {
  const { url = '', headers, rawHeaders } = request;
  const at = url.indexOf('?');
  const route = at < 0 ? null : new URLSearchParams(url.slice(at)).get('r');
  if (route === null || headers['wsproxy-resume'] !== undefined) return;
  headers['wsproxy-resume'] = '1';
  // What is handed on is written by these.
  rawHeaders.push('Wsproxy-Resume', '1');
  if (route !== '') headers['wsproxy-route'] ??= route;
}
