export {
  FAILURES,
  type FailureCode,
  type FlowDrops,
  type FlowFigures,
  type Target,
  TunnelError,
} from 'wsproxy-engine';
export type { ConnectorState, ServerStatus, TunnelStatus } from 'wsproxy-engine/connector';
export { ConnectError, type ConnectErrorCode } from 'wsproxy-engine/connector';
export type { PushPosition, PushReceiver, ReceiveOptions } from 'wsproxy-engine/push';
export type { LocalPort, ProxyUser } from 'wsproxy-node/accept';
export { OptionError } from 'wsproxy-node/options';
export type { Quota } from './account/ask-quota.js';
export type { IncomingOptions, OnIncoming } from './calls/services.js';
export { type Client, createClient } from './client.js';
export { type DiagnoseObserver, type DiagnoseOptions, type Diagnosis, diagnose } from './doctor/diagnose.js';
export type { Finding, Mark, StepFinding, StepName } from './doctor/finding.js';
export type {
  InspectScript,
  ScriptBody,
  ScriptMessage,
  ScriptReply,
  ScriptRequest,
  ScriptResponse,
  SentRequest,
} from './inspect/script/inspect-script.js';
export type {
  Destination,
  ExchangeStart,
  ExchangeWatcher,
  RawHeaders,
  ScriptedPart,
  Watcher,
} from './inspect/watcher.js';
export {
  type ClientOptions,
  type CloseOptions,
  type ControlOptions,
  type ForwardOptions,
  type ListenOptions,
  type ProxyOptions,
  parseTarget,
} from './options/client-options.js';
export type { InspectOptions } from './options/inspect-options.js';
export { checkProxyOptions } from './options/method-options.js';
export type {
  RemoteDestination,
  RemoteForwardOptions,
  RemoteListenOptions,
  RemotePlace,
  RemoteServerOptions,
} from './options/remote-options.js';
export { type PushClient, type PushHandler, receivePushes } from './push/receive-pushes.js';
export { proxyFromEnvironment } from './reach/proxy-from-environment.js';
export type { ReachOptions } from './reach/reach.js';
export type { TokenSource } from './reach/token-source.js';
export type { RemoteAddress, RemoteForward } from './remote/remote-forward.js';
export type { RemoteServer, RemoteServerEvents } from './remote/remote-server.js';
export type { ConnectOptions } from './sockets/connect-socket.js';
export type { DispatcherOptions } from './sockets/create-dispatcher.js';
export type { DatagramEvents, DatagramSocket } from './sockets/datagram-socket.js';
export type { SocketOptions, TunnelSocket } from './sockets/tunnel-socket.js';
export type {
  ChannelChange,
  ChannelStatus,
  ClientEvents,
  ClientRetry,
  ClientStatus,
  FlowChange,
  FlowStatus,
  ListenerState,
  ListenerStatus,
} from './tunnel/client-status.js';
