export { type LocalPort, listenAt, type Place } from './accept-local.js';
export type { ProxyUser } from './credentials.js';
export { forwardLocal } from './forward.js';
export { type LocalProtocol, listenLocal } from './local-port.js';
export { pipeThrough } from './stdio.js';
