/**
 * What the pages that a program serves about itself have in common. Who may read them is decided by where they listen;
 * what a browser brings of other pages is kept out.
 */

/** Of a request for such a page. */
export interface LocalPageRequest {
  readonly method?: string | undefined;
  readonly headers: {
    readonly host?: string | undefined;
    readonly origin?: string | undefined;
    readonly 'sec-fetch-site'?: string | string[] | undefined;
    readonly 'sec-fetch-mode'?: string | string[] | undefined;
  };
  /** Where it came in. */
  readonly socket: { readonly localAddress?: string | undefined; readonly localPort?: number | undefined };
}

/** Of every answer; what is shown changes, and is nobody else's. */
export const LOCAL_PAGE_HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/**
 * The HTTP status to refuse a request with, if it must be. `listenHost` is the host that was asked for when listening, and
 * undefined for a Unix socket: no browser can reach it, and every Host is right. `hosts` are further names of this place, such
 * as that of a container; which port they lead to is known where they are given.
 */
export function refuseLocalPage(
  { method, headers, socket }: LocalPageRequest,
  listenHost: string | undefined,
  hosts: readonly string[] = [],
): 403 | 405 | 421 | undefined {
  const { localAddress = '', localPort } = socket;
  if (listenHost !== undefined) {
    const isOurs = isOwnHost(headers.host, localPort, [listenHost, localAddress]) || isNamed(headers.host, hosts);
    if (!isOurs) return 421;
  }
  if (isForeign(headers)) return 403;
  return method === 'GET' ? undefined : 405;
}

/** Whether another page asks, by what a browser says of it. A page may lead here: it does not see what is shown. */
function isForeign({ origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode }: LocalPageRequest['headers']): boolean {
  if (site === undefined) return origin !== undefined;
  return site !== 'same-origin' && site !== 'none' && mode !== 'navigate';
}

/**
 * Whether a Host header names this very listener. A page in a browser can make its own name resolve to our address
 * (DNS rebinding) and would then be served as if it were ours; what it cannot do is send another name than its own.
 */
function isOwnHost(host: string | undefined, port: number | undefined, own: readonly string[]): boolean {
  const asked = host?.toLowerCase();
  return ['localhost', '127.0.0.1', '::1', ...own]
    .filter((name) => name !== '')
    .map((name) => name.replace(/^::ffff:(?=\d+\.)/i, ''))
    .map((name) => (name.includes(':') ? `[${name}]` : name).toLowerCase())
    .some((name) => asked === `${name}:${port}` || (asked === name && port === 80));
}

function isNamed(host: string | undefined, names: readonly string[]): boolean {
  const asked = host?.toLowerCase().replace(/:\d*$/, '');
  return names.some((name) => name.toLowerCase() === asked);
}
