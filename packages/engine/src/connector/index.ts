export { Backoff } from './backoff.js';
export { ConnectError, type ConnectErrorCode } from './connect-error.js';
export {
  Connector,
  type ConnectorOptions,
  type ConnectorState,
  isConnected,
  type ServerStatus,
  type TunnelStatus,
} from './connector.js';
export { type Greeting, type KnownServer, SILENCE, type WayStatus } from './known-server.js';
export { parseRetryAfter } from './retry-after.js';
export type { Uplink } from './uplink.js';
