export type { Logger } from 'wsproxy-engine';
export type { EgressOptions, ListeningAddress } from 'wsproxy-node/dial';
export { OptionError } from 'wsproxy-node/options';
export { checkRules, type DestinationRules } from 'wsproxy-node/targets';
export { type Admin, createAdmin } from './admin/admin.js';
export { createHealth, type Health } from './admin/health.js';
export type { AdminOptions } from './admin/local-pages.js';
export type { OpenOptions } from './calls/call-desk.js';
export type { OpenError, OpenErrorCode } from './calls/open-error.js';
export type { InnerListenOptions, NodeDoorOptions, WorkerDoorOptions } from './cluster/cluster.js';
export type { ClusterTls } from './cluster/cluster-tls.js';
export type { FlowInfo } from './flows/flow-info.js';
export type { Authenticate } from './gateway/authenticate.js';
export type { ListenOptions, TcpListenOptions } from './gateway/listen.js';
export type { TlsOptions } from './gateway/tls.js';
export { LIMITS, type LimitName, type LimitOptions, type LimitRule } from './limits/limits.js';
export type { ArrivalInfo } from './listeners/arrival-info.js';
export type { ListenerInfo } from './listeners/listener-info.js';
export type {
  ArrivalRecord,
  ChannelRecord,
  FlowRecord,
  HandOnOutcome,
  ListenerRecord,
  ObservedSession,
  OpenedArrival,
  OpenedChannel,
  OpenedFlow,
  OpenedListener,
  ServerObserver,
  SessionEvent,
} from './observe/observer.js';
export type {
  AcceptFlow,
  AuthorizeListen,
  AuthorizeListenRequest,
  DestinationPolicy,
  Dialer,
  DialRequest,
  FlowRequest,
  PolicyRequest,
} from './options/hooks.js';
export type { ServerOptions } from './options/server-options.js';
export type { KeptMessage, KeptStream, MessageStore } from './push/message-store.js';
export { createPushes, type Pushes, type PushOptions, type PushServer } from './push/pushes.js';
export { type CloseOptions, createServer, type Server } from './server.js';
export type { SessionFollower } from './session-news.js';
export type { ChannelInfo, SessionInfo } from './sessions/session-info.js';
export type { ShareOptions } from './share.js';
export type { CallCounts } from './store/counted-store.js';
export type { MessagePort } from './store/parent-store.js';
export type { SharingFigures } from './store/sharing.js';
export type { TicketError, TicketErrorCode } from './tickets/ticket-error.js';
export type { Ticket, TicketOptions } from './tickets/tickets.js';
export type { UserEntry, UserToken } from './users/directory.js';
export type { TokenPurpose, User } from './users/user.js';
export type { UserLimits } from './users/user-limits.js';
