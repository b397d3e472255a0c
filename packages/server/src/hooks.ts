import type * as dial from 'wsproxy-node/dial';
import type { User } from './users/user.js';

// What an embedder writes, with the server's own users unless it has others.

export type Dialer<U extends User = User> = dial.Dialer<U>;
export type DialRequest<U extends User = User> = dial.DialRequest<U>;
export type DestinationPolicy<U extends User = User> = dial.DestinationPolicy<U>;
export type PolicyRequest<U extends User = User> = dial.PolicyRequest<U>;
