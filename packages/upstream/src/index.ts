export { type ConnectOptions, connectThrough } from './connect-through.js';
export { formatProxy, parseProxyUrl, type UpstreamProxy } from './proxy.js';
export { ProxyError, type ProxyErrorCode } from './proxy-error.js';
