export { FAILURES, type FailureCode, TunnelError } from 'wsproxy-engine';
export { ConnectError, type ConnectErrorCode } from 'wsproxy-engine/connector';
export { type Client, createClient } from './client.js';
export type { ClientState, ClientStatus } from './client-status.js';
export type { Connection, OpenConnection } from './connection.js';
export type { ClientOptions, Destination } from './options.js';
export type { OnIncoming } from './services.js';
export { type TicketRequest, ticketFrom } from './ticket-from.js';
