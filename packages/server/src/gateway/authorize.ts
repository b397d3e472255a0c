import type { IncomingMessage } from 'node:http';
import { authorizationValues } from 'wsproxy-node/transports';
import type { Denial } from '../users/denial.js';
import type { User } from '../users/user.js';
import type { Authenticate } from './authenticate.js';
import { type Refusal, stranger } from './refusal.js';
import { ticketIn } from './ticket-in.js';

export function createAuthorize(options: AuthorizeOptions): Authorize {
  const allowOrigins = new Set(options.allowOrigins);
  return async (request) => {
    // Only browsers send Origin, and our client is none (RFC 6455 section 10.2).
    const { origin } = request.headers;
    if (origin !== undefined && !allowOrigins.has(origin)) return stranger(403, 'origin');
    const shown = options.spendTicket === undefined ? undefined : ticketIn(request);
    if (shown === 'wrong') return stranger(401, 'wrong ticket');
    if (authorizationValues(request.rawHeaders).length > 1) return stranger(400, 'several tokens');
    const ask = () =>
      shown === undefined ? options.authenticate(request) : options.spendTicket?.(shown.ticket, origin);
    const user = await authenticate(options, ask);
    if (user === 'failed') return stranger(503, 'authentication failed');
    if (user !== undefined) return { user };
    if (shown !== undefined) return stranger(401, 'wrong ticket');
    const denial = options.whyNot?.(request) ?? ({ reason: 'not authenticated' } as const);
    return { ...stranger(401, denial.reason), ...denial };
  };
}

async function authenticate(
  options: AuthorizeOptions,
  ask: () => ReturnType<Authenticate>,
): Promise<User | undefined | 'failed'> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = ask();
    if (!(answer instanceof Promise)) return answer;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), options.timeout);
    });
    const user = await Promise.race([answer, late]);
    if (user !== 'late') return user;
    options.onTimeout();
  } catch (error) {
    options.onError(error);
  } finally {
    clearTimeout(timer);
  }
  return 'failed';
}

/** Says whose request it is, or why it is nobody's; not whether there is anything for them at its path. */
export type Authorize = (request: IncomingMessage) => Promise<{ readonly user: User } | Refusal>;

export interface AuthorizeOptions {
  readonly authenticate: Authenticate;
  /** Why it knows nobody by a request, for the log. Default: that is not known. */
  readonly whyNot?: (request: IncomingMessage) => Denial;
  /**
   * Whose ticket it was, shown by a request with this Origin; nobody can spend it again. Default: there are no tickets. What it rejects
   * with counts as with `authenticate`.
   */
  readonly spendTicket?: (ticket: string, origin: string | undefined) => Promise<User | undefined>;
  /** For `authenticate`, ms. */
  readonly timeout: number;
  readonly onTimeout: () => void;
  /** `authenticate` threw; the request gets 503. */
  readonly onError: (error: unknown) => void;
  /** Pages whose scripts may connect, such as `https://example.org`. Default: none. */
  readonly allowOrigins?: readonly string[];
}
