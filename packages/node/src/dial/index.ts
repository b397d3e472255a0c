export { createDial, type DialTarget } from './dial.js';
export type { Dialed, DialTask } from './dial-task.js';
export { createUpstream, type EgressOptions, mistakesInEgress } from './egress.js';
export type { EmbedderDialer, EmbedderDialRequest } from './embedder-dialer.js';
export { createLookup } from './names/lookup.js';
export { createResolver } from './names/resolver.js';
export { systemLookup } from './names/system-lookup.js';
export {
  createPolicies,
  type EmbedderPolicy,
  type EmbedderPolicyRequest,
  type ListeningAddress,
  type Policy,
} from './policy.js';
export { onAbort } from './race/on-abort.js';
export type { AttemptRoom } from './race/race.js';
export { connectThrough } from './upstream/connect-through.js';
export { formatProxy, parseProxyUrl, type UpstreamProxy } from './upstream/proxy.js';
export { ProxyError } from './upstream/proxy-error.js';
