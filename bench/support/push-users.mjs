// The users of benchmarks with push: each is named by its token.
const PREFIX = 'a-token-that-is-long-enough-of-';

export const nameOf = (n) => `user-${n}`;
export const tokenOf = (n) => `${PREFIX}${nameOf(n)}`;
export const authenticate = ({ headers }) => ({ id: headers.authorization.slice(`Bearer ${PREFIX}`.length) });
/** For one server, which may get the clients of all others. */
export const limitsFor = (clients) => ({ sessions: 2 * clients, channels: 2 * clients + 1_000 });
