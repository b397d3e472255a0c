import type * as dialer from '../../node/src/dial/dialer.js';
import type * as policy from '../../node/src/dial/policy.js';
import type { User } from './users/user.js';

// What an embedder writes, with the server's own users unless it has others.

export type Dialer<U extends User = User> = dialer.Dialer<U>;
export type DialRequest<U extends User = User> = dialer.DialRequest<U>;
export type DestinationPolicy<U extends User = User> = policy.DestinationPolicy<U>;
export type PolicyRequest<U extends User = User> = policy.PolicyRequest<U>;
