export { onAbort } from '../race/on-abort.js';
export { connectThrough } from './connect-through.js';
export { formatProxy, parseProxyUrl, type UpstreamProxy } from './proxy.js';
export { ProxyError } from './proxy-error.js';
