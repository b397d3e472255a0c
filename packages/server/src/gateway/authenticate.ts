import type { IncomingMessage } from 'node:http';
import type { User } from '../users/user.js';

/**
 * Says who makes a request, by its headers or anything else that it has; undefined for anyone who may not come in, who gets 401.
 * Asked for every transport, also when a client comes back to its session, which only the user with the same id may resume. Over HTTP a
 * transport has more requests than one; they are asked about where their `Authorization` is another.
 * What it throws, or rejects with, is logged, and the client comes back later (503).
 */
export type Authenticate<U extends User = User> = (request: IncomingMessage) => U | undefined | Promise<U | undefined>;
