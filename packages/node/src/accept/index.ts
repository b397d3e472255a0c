export { type Endpoint, type LocalPort, listenAt } from './accept-local.js';
export type { ProxyUser } from './credentials.js';
export { forwardLocal } from './forward.js';
export { type LocalProtocol, listenLocal } from './local-port.js';
export { pipeThrough } from './stdio.js';
