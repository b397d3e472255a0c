import type { EmbedderDialer, EmbedderDialRequest, EmbedderPolicy, EmbedderPolicyRequest } from 'wsproxy-node/dial';
import type { User } from '../users/user.js';

// What an embedder writes, with the server's own users unless it has others.

export type Dialer<U extends User = User> = EmbedderDialer<U>;
export type DialRequest<U extends User = User> = EmbedderDialRequest<U>;
export type DestinationPolicy<U extends User = User> = EmbedderPolicy<U>;
export type { AcceptFlow, FlowRequest } from '../flows/served-flow.js';
export type { AuthorizeListen, AuthorizeListenRequest } from '../listeners/listen-rights.js';
export type PolicyRequest<U extends User = User> = EmbedderPolicyRequest<U>;
