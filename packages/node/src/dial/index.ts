export { createDial, type DialTarget } from './dial.js';
export { dialPath } from './dial-path.js';
export type { Dialed, DialRoom, DialTask } from './dial-task.js';
export { createUpstream, type EgressOptions, mistakesInEgress, portsAskedOnLoopback } from './egress.js';
export type { EmbedderDialer, EmbedderDialRequest } from './embedder-dialer.js';
export { createLookup } from './names/lookup.js';
export { createResolver, type Resolver } from './names/resolver.js';
export { systemLookup } from './names/system-lookup.js';
export {
  createPolicies,
  type EmbedderPolicy,
  type EmbedderPolicyRequest,
  type ListeningAddress,
  type Policy,
} from './policy.js';
export { GivingUp } from './race/giving-up.js';
export { type GiveUpSignal, onAbort } from './race/on-abort.js';
