import { parseRetryAfter } from 'wsproxy-engine/connector';
import type { ClientOptions } from './options.js';

/**
 * Asks for tickets by POST: at the path of `--tickets`, or at one of yours that answers the same, `{"ticket":"..."}`. It sends cookies to
 * the server of the page, and the given headers.
 */
export function ticketFrom(url: string | URL, request: TicketRequest = {}): ClientOptions['ticket'] {
  return async (signal) => {
    const headers = { ...(await readHeaders(request.headers)), 'Wsproxy-Ticket': '1' };
    const { credentials = 'same-origin' } = request;
    const answer = await fetch(url, { method: 'POST', headers, credentials, cache: 'no-store', signal });
    if (!answer.ok) throw new RefusedTicket(answer);
    const { ticket } = (await answer.json()) as { ticket?: unknown };
    if (typeof ticket !== 'string') throw new TypeError('the answer has no ticket');
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

/** Read by its `status` and `retryAfter`, as an error of the user's own function is. */
class RefusedTicket extends Error {
  readonly status: number;
  /** As the server has asked, ms. */
  readonly retryAfter: number;

  constructor({ status, headers }: Response) {
    super(`no ticket (${status})`);
    this.status = status;
    this.retryAfter = parseRetryAfter(headers.get('retry-after') ?? undefined, Date.now());
  }
}
