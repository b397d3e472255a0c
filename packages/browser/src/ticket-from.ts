import { parseRetryAfter } from 'wsproxy-engine/connector';
import type { ClientOptions } from './options.js';

/**
 * Asks for tickets by POST: at the path of `--tickets`, or at one of yours that answers the same, `{"ticket":"..."}`. It sends cookies to
 * the server of the page, and the given headers.
 */
export function ticketFrom(url: string | URL, request: TicketRequest = {}): ClientOptions['ticket'] {
  let hasWorked = false;
  return async (signal) => {
    const headers = { ...(await readHeaders(request.headers)), 'Wsproxy-Ticket': '1' };
    const { credentials = 'same-origin' } = request;
    const init = { method: 'POST', headers, credentials, cache: 'no-store', signal } as const;
    const answer = await fetch(url, init).catch((error: unknown) => {
      const what = `no answer of ${url} (${(error as Error).message})`;
      throw new Error(hasWorked ? what : what + hintFor(url), { cause: error });
    });
    if (!answer.ok) throw new RefusedTicket(url, answer);
    const { ticket } = (await answer.json().catch(() => ({}))) as { ticket?: unknown };
    if (typeof ticket !== 'string') throw new TypeError(`the answer of ${url} has none`);
    hasWorked = true;
    return ticket;
  };
}

export interface TicketRequest {
  /** Such as `{ Authorization: 'Bearer ...' }`; or what gives them, asked each time. */
  readonly headers?: Headers | (() => Headers | Promise<Headers>);
  /** As of `fetch`. Default `same-origin`. */
  readonly credentials?: RequestCredentials;
}

type Headers = Readonly<Record<string, string>>;

async function readHeaders(headers: TicketRequest['headers'] = {}): Promise<Headers> {
  return typeof headers === 'function' ? headers() : headers;
}

function hintOf(status: number): string {
  if (status === 401) return ', to a wrong token or login, or to none';
  if (status === 403) return `, to a page of ${globalThis.location?.origin}: see --allow-origin`;
  return '';
}

/** What else may be wrong: to a page, a server that does not name it looks like one that is away. */
function hintFor(url: string | URL): string {
  const { origin, href } = globalThis.location ?? {};
  if (origin === undefined || new URL(url, href).origin === origin) return '';
  return `; if the server is there, it needs this path in --tickets, and ${origin} in --allow-origin`;
}

/** Read by its `status` and `retryAfter`, as an error of the user's own function is. */
class RefusedTicket extends Error {
  readonly status: number;
  /** As the server has asked, ms. */
  readonly retryAfter: number;

  constructor(url: string | URL, { status, headers }: Response) {
    super(`${url} answers ${status}${hintOf(status)}`);
    this.status = status;
    this.retryAfter = parseRetryAfter(headers.get('retry-after') ?? undefined, Date.now());
  }
}
