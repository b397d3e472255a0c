import type { Target, Tunnel } from 'wsproxy-engine';
import type { PasswordCheck } from './credentials.js';
import type { LocalConnection } from './local-connection.js';

/** One of the protocols that a local port speaks. */
export interface LocalService {
  /** Whether a connection speaks it, by its first byte. */
  begins(first: number): boolean;
  /** Serves a connection whose first bytes are `input`. */
  serve(connection: LocalConnection, input: Buffer): void;
}

/** Makes the service of one port. */
export type CreateService = (port: ServedPort) => LocalService;

export interface ServedPort {
  /** For a protocol that does more than to join a connection with a channel. */
  readonly tunnel: Tunnel;
  /** Who may use it; undefined: everybody. */
  readonly isAllowed: PasswordCheck | undefined;
  /** Whether a target is this very port. */
  isSelf(target: Target): boolean;
}
