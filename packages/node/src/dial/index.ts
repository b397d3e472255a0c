export { createDial, type Dial } from './dial.js';
export type { Dialer, DialRequest } from './dialer.js';
export type { Reached } from './direct-dialer.js';
export { createUpstream, type EgressOptions, mistakesInEgress } from './egress.js';
export type { AttemptRoom, Dialed } from './happy-eyeballs.js';
export { createLookup } from './names/lookup.js';
export { createResolver } from './names/resolver.js';
export {
  createPolicies,
  type DestinationPolicy,
  type ListeningAddress,
  type Policy,
  type PolicyRequest,
} from './policy.js';
export { connectThrough } from './upstream/connect-through.js';
export { formatProxy, parseProxyUrl, type UpstreamProxy } from './upstream/proxy.js';
export { ProxyError } from './upstream/proxy-error.js';
