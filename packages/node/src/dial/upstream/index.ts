export { onAbort } from '../race/on-abort.js';
export { connectThrough, connectToProxy } from './connect-through.js';
export { basic } from './http-connect.js';
export { explainChallenge } from './http-refused.js';
export { formatProxy, parseProxyUrl, type UpstreamProxy } from './proxy.js';
export { ProxyError } from './proxy-error.js';
