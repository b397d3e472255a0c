import { test } from 'vitest';

/**
 * HTTP/2 is not offered yet (node/transports/http2-trial.ts). `TRY_HTTP2=1` tries it in this process, in tests that import this
 * before anything else.
 */
const isTried = process.env['TRY_HTTP2'] === '1';
if (isTried) Object.assign(globalThis, { [Symbol.for('wsproxy.http2')]: true });

/** The tests of this file, or of this `describe`, are of what nobody is offered. */
export function skipUnlessHttp2IsTried(): void {
  if (!isTried) test.beforeEach((context) => context.skip('skipped: HTTP/2 is not offered yet; TRY_HTTP2=1 tries it'));
}
