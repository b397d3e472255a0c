import { formatTarget, isLoopback, type Logger, parseAuthority, type Target } from 'wsproxy-engine';
import type { Endpoint, LocalProtocol, ProxyUser } from 'wsproxy-node/accept';
import type { ReachOptions } from '../reach/reach.js';
import type { TokenSource } from '../reach/token-source.js';

export interface ClientOptions extends ReachOptions {
  /** `wss://host[:port]/path`, or `ws://` to loopback. */
  readonly url: string;
  /** Sent as a bearer token, 32 characters or more; or what gives it, asked for every connection. */
  readonly token: TokenSource;
  /** Servers to use while those before them do not answer, in this order. Default: none. */
  readonly fallbacks?: readonly Fallback[];
  /** How long channels survive without a connection, ms; default 120 000. */
  readonly grace?: number;
  /**
   * Silence after which either end sends something, ms, 5 000 to 600 000: less than what the shortest idle time-out on the
   * way allows. Default 15 000.
   */
  readonly heartbeat?: number;
  /** WebSockets to spread the channels over, for paths that throttle or lose on each; 1 to 16, default 1. */
  readonly connections?: number;
  /** Answers applications before the destination was dialled; a failure is then a reset. Default false. */
  readonly optimistic?: boolean;
  /**
   * Destinations that `listen` dials from here, past the tunnel: `host`, `*.host`, an address, a range such as
   * `10.0.0.0/8`, each with or without `:ports`. Default: none.
   */
  readonly bypass?: readonly string[];
  /** Default: silent. */
  readonly logger?: Logger;
}

export interface Fallback {
  readonly url: string;
  /** Default: the token of the first server. */
  readonly token?: TokenSource;
}

/** Where local applications are accepted. */
export type ListenOptions =
  | {
      /** Address to listen on, `*` for every one; default 127.0.0.1. */
      readonly host?: string;
      /** 0 lets the system choose. */
      readonly port: number;
    }
  /** A Unix socket; the mode of its file is the caller's umask. */
  | { readonly path: string };

export type ProxyOptions = ListenOptions & {
  /** What it speaks; default all of them. */
  readonly protocols?: readonly LocalProtocol[];
  /** Who may use it, by the password of SOCKS5 or HTTP. An address other than loopback needs them. */
  readonly users?: readonly ProxyUser[] | undefined;
};

export type ForwardOptions = ListenOptions & {
  /** Where every connection goes: `host:port`, with IPv6 in brackets. */
  readonly target: string;
};

export interface CloseOptions {
  /** How long living channels may take to finish, ms, while no others are accepted. Default 0: they are reset at once. */
  readonly drain?: number;
}

/**
 * Reads `host:port`, with IPv6 in brackets.
 * @throws TypeError that says so
 */
export function parseTarget(text: string): Target {
  const target = parseAuthority(String(text));
  if (target !== undefined) return target;
  throw new TypeError(
    `not a destination: ${JSON.stringify(String(text).slice(0, 300))}; expected host:port, IPv6 in brackets`,
  );
}

/** The same for either way to name one. */
export function checkTarget(target: string | Target): Target {
  return parseTarget(typeof target === 'string' ? target : formatTarget(target));
}

/**
 * An address that others reach would let them use the tunnel in the name of its owner.
 * @throws TypeError when there are no users for such an address, or a digest is none
 */
export function checkProxyOptions(options: ProxyOptions): void {
  const { users } = options;
  for (const { name, sha256 } of users ?? []) {
    if (!/^[0-9a-f]{64}$/i.test(sha256))
      throw new TypeError(`the digest of user ${JSON.stringify(name)} is no SHA-256`);
  }
  const at = endpointOf(options);
  if ('path' in at || isLoopback(at.host) || (users !== undefined && users.length > 0)) return;
  throw new TypeError(`other machines can reach ${at.host}, and nobody would need a password there`);
}

export function endpointOf(options: ListenOptions): Endpoint {
  return 'path' in options ? { path: options.path } : { host: options.host ?? '127.0.0.1', port: options.port };
}
