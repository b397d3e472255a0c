export { Client, type ClientOptions, type ListenOptions } from './client.js';
export { ConnectError } from './connect-error.js';
export type { ConnectorState } from './connector.js';
export type { LocalPort } from './listeners/local-port.js';
