import type { IncomingMessage } from 'node:http';
import { SUBPROTOCOL } from 'wsproxy-protocol';
import { type Authenticate, authorizationValues } from './authenticate.js';
import type { RefusalStatus } from './refusal.js';
import type { User } from './users/user.js';

/** Whoever may come in; or the status for whoever may not, and whether it is a stranger who must learn nothing. */
export type Verdict = User | { readonly status: RefusalStatus; readonly isStranger: boolean };

export interface JudgeOptions {
  /** The one path served, compared byte for byte; a query is ignored. */
  readonly path: string;
  readonly authenticate: Authenticate;
  /** Whether an authenticated user may open one more WebSocket; default yes. */
  readonly hasRoom?: (user: User) => boolean;
  /** Pages whose scripts may connect, such as `https://example.org`. Default: none. */
  readonly allowOrigins?: readonly string[];
}

/** Judges requests by all but their method, version and key, which `ws` judges for those who have the token. */
export function createJudge(options: JudgeOptions): (request: IncomingMessage, isUpgrade: boolean) => Verdict {
  const allowOrigins = new Set(options.allowOrigins);
  return (request, isUpgrade) => {
    if (pathOf(request) !== options.path) return stranger(404);
    // Only browsers send Origin, and our client is none (RFC 6455 section 10.2).
    const { origin } = request.headers;
    if (origin !== undefined && !allowOrigins.has(origin)) return stranger(403);
    const values = authorizationValues(request.rawHeaders);
    if (values.length > 1) return stranger(400);
    const user = options.authenticate(values[0]);
    if (user === undefined) return stranger(401);
    if (!isUpgrade) return known(426);
    if (!offersSubprotocol(request)) return known(400);
    return options.hasRoom?.(user) === false ? known(429) : user;
  };
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1).join();
}

function stranger(status: RefusalStatus): Verdict {
  return { status, isStranger: true };
}

function known(status: RefusalStatus): Verdict {
  return { status, isStranger: false };
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}
