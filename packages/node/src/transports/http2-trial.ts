/**
 * HTTP/2 is offered by neither end, but to tests (wsproxy-test-support/try-http2): under kills its connections were cut unnoticed, a
 * process has aborted within Node, and wrong bytes have arrived.
 */
export const TRIES_HTTP2: boolean = Symbol.for('wsproxy.http2') in globalThis;
