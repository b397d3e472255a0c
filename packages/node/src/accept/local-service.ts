import type { FlowTunnel, Target, Tunnel } from 'wsproxy-engine';
import type { Advertised } from './advertised.js';
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
  readonly tunnel: Tunnel & FlowTunnel;
  /** Who may use it; undefined: everybody. */
  readonly isAllowed: PasswordCheck | undefined;
  /** Where applications are told to send datagrams, when that is not the address at which they have come in. */
  readonly udpAdvertised: Advertised | undefined;
  /**
   * Its applications are at the other end of the tunnel: no datagram of theirs comes here but in their connection, and
   * destinations are dialled, or refused, at this end.
   */
  readonly isRemote: boolean;
  /** Whether a target is this very port. */
  isSelf(target: Target): boolean;
}

/** `socks4` is SOCKS4 and SOCKS4a. */
export type LocalProtocol = 'socks5' | 'socks4' | 'http';
