export { join } from './bytes.js';
export type { Channel, ChannelFigures, OfferedChannel } from './channel/channel.js';
export { isOver } from './channel/channel-state.js';
export { finishChannel } from './channel/finish-channel.js';
export type { ChannelSink, OpenHandler } from './channel/handlers.js';
export type { Tunnel } from './channel/tunnel.js';
export { type Clock, systemClock, type Timer } from './clock.js';
export {
  ACCOUNT_HOST,
  CloseCode,
  GUARDED_MACHINE,
  GUARDED_METADATA,
  HANDSHAKE_TIMEOUT,
  LONE_FRAME_SIZE,
  MAX_PING_INTERVAL,
  MAX_THROUGHPUT,
  MIN_PING_INTERVAL,
  QUEUE_LIMIT,
  REPLAY_LIMIT,
  SUBPROTOCOL,
  THROUGHPUT_HOST,
  WINDOW_BUDGET,
} from './constants.js';
export type { Flow, FlowDrops, FlowFigures, FlowSink, FlowState, OfferedFlow, Peer } from './datagram/flow.js';
export type { FlowTunnel } from './datagram/flow-tunnel.js';
export { ProtocolError, TunnelError } from './errors.js';
export { FAILURES, type FailureCode } from './failures.js';
export { MemoryBudget, type ProcessBudgets } from './flow/memory-budget.js';
export { checkServiceName } from './frame/call.js';
export { Capability } from './frame/capabilities.js';
export type { Arrival, ListenKind, ListenRequest } from './frame/listen.js';
export type { SessionKey } from './frame/payload.js';
export { addressBytes, addressText } from './ip-bytes.js';
export type { ListenerFigures, ListenHandler, OfferedListener, RemoteListener } from './listen/listener.js';
export { type Logger, silentLogger, withFields } from './logger.js';
export { compact } from './memory/compact.js';
export { SlabPool } from './memory/slab-pool.js';
export { type ByteTaker, SlabReader } from './memory/slab-reader.js';
export { SmallPieces } from './memory/small-pieces.js';
export { systemMemory } from './memory/system-memory.js';
export { MemoryTransport } from './memory-transport.js';
export { acceptTransport, type KeptSession, type SessionHost, unknownSession } from './session/accept-transport.js';
export type { Carried } from './session/carried.js';
export { Greeter } from './session/greeter.js';
export { joinUngreeted } from './session/handshake.js';
export type { ReplayPace } from './session/replay-pace.js';
export { Session } from './session/session.js';
export { sessionName } from './session/session-name.js';
export type { Loss, SessionOptions } from './session/session-options.js';
export { formatTarget, isLoopback, parseAuthority, parseHost, parseName, parsePort, type Target } from './target.js';
export { deafReceiver, type Transport, type TransportReceiver } from './transport.js';
export { VERSION } from './version/index.js';
export { Watch } from './watch.js';
