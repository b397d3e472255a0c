export { boundInterim } from './bound-interim.js';
export { Channel } from './channel/channel.js';
export { isOver } from './channel/channel-state.js';
export { ChannelStream, type ChannelStreamOptions } from './channel/channel-stream.js';
export type { ChannelSink, OpenHandler } from './channel/handlers.js';
export { type Clock, systemClock, type Timer } from './clock.js';
export {
  CloseCode,
  MAX_PING_INTERVAL,
  MAX_THROUGHPUT,
  MIN_PING_INTERVAL,
  SUBPROTOCOL,
  THROUGHPUT_HOST,
} from './constants.js';
export {
  type AddressRange,
  type DestinationRule,
  matchesDestination,
  parseDestinationRule,
} from './destination-rule.js';
export { dialFailure } from './dial-failure.js';
export { ProtocolError, TunnelError } from './errors.js';
export { FAILURES, type FailureCode } from './failures.js';
export { MemoryBudget, type ProcessBudgets } from './flow/memory-budget.js';
export type { Hello, Resume, SessionKey } from './frame/payload.js';
export { type Logger, silentLogger } from './logger.js';
export { OWN_PAGE_HEADERS, type OwnPageRequest, refuseOwnPage } from './own-pages.js';
export { relay } from './relay.js';
export type { Direction, RelayPace, Turn } from './relay-pace.js';
export { type RelaySocket, resetSocket } from './reset-socket.js';
export { type Unread, unwatch, watchForReset } from './reset-watch.js';
export { acceptTransport, Greeter, type KeptSession, type SessionHost, unknownSession } from './session/handshake.js';
export type { ReplayPace } from './session/replay-pace.js';
export { Session } from './session/session.js';
export type { Loss, SessionOptions } from './session/session-options.js';
export { formatTarget, isLoopback, parseAuthority, parseHost, parsePort, type Target } from './target.js';
export type { Transport } from './transport/transport.js';
export { WEBSOCKET_LIMITS, WebSocketTransport } from './transport/websocket-transport.js';
