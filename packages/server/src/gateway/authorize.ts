import type { IncomingMessage } from 'node:http';
import { SUBPROTOCOL } from 'wsproxy-engine';
import type { User } from '../users/user.js';
import { type Authenticate, authorizationValues } from './authenticate.js';
import type { RefusalStatus } from './refusal.js';

/** The status for whoever may not come in, and whether it is a stranger who must learn nothing. */
export interface Refusal {
  readonly status: RefusalStatus;
  readonly isStranger: boolean;
}

export type Verdict = User | Refusal;

export interface JudgeOptions {
  readonly authenticate: Authenticate;
  /** For `authenticate`, ms. */
  readonly timeout: number;
  /** It has taken so long; or has failed with `error`, which is no fault of whoever asks. */
  readonly onTimeout: () => void;
  readonly onError: (error: unknown) => void;
  /** Whether an authenticated user may open one more WebSocket; default yes. */
  readonly hasRoom?: (user: User) => boolean;
  /** Pages whose scripts may connect, such as `https://example.org`. Default: none. */
  readonly allowOrigins?: readonly string[];
}

/** Judges requests. */
export type Judge = (request: IncomingMessage, isUpgrade: boolean) => Promise<Verdict>;

/** Judges by all but path, method, version and key: `ws` judges the latter for those who may come in. */
export function createJudge(options: JudgeOptions): Judge {
  const allowOrigins = new Set(options.allowOrigins);
  return async (request, isUpgrade) => {
    // Only browsers send Origin, and our client is none (RFC 6455 section 10.2).
    const { origin } = request.headers;
    if (origin !== undefined && !allowOrigins.has(origin)) return stranger(403);
    if (authorizationValues(request.rawHeaders).length > 1) return stranger(400);
    const user = await authenticate(options, request);
    if (user === 'failed') return stranger(503);
    if (user === undefined) return stranger(401);
    if (!isUpgrade) return known(426);
    if (!offersSubprotocol(request) || hasBody(request)) return known(400);
    return options.hasRoom?.(user) === false ? known(429) : user;
  };
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1).join();
}

/** RFC 9112 section 3.2: one Host, and it may be missing only before HTTP/1.1. */
export function hasRightHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  return hosts === 1 || (hosts === 0 && httpVersion < '1.1');
}

export function stranger(status: RefusalStatus): Refusal {
  return { status, isStranger: true };
}

export function known(status: RefusalStatus): Refusal {
  return { status, isStranger: false };
}

async function authenticate(options: JudgeOptions, request: IncomingMessage): Promise<User | undefined | 'failed'> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = options.authenticate(request);
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

/** Its bytes would be taken for frames, while a reverse proxy may have taken them for a body. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}
