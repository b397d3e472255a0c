import { formatTarget, type Logger, parseAuthority, type Target } from 'wsproxy-engine';
import type { LocalProtocol, ProxyUser } from 'wsproxy-node/accept';
import type { ReachOptions } from '../reach/reach.js';
import type { TokenSource } from '../reach/token-source.js';
import type { TransportChoice } from '../reach/transport-choice.js';

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
  /**
   * How the server is reached: by WebSocket (`ws`), by WebSocket over HTTP/2, which needs a `wss:` URL (`h2`), by ordinary requests of
   * HTTP, which are slower but pass where WebSockets do not (`http`), or by what gets through, WebSocket first (`auto`). Default `auto`.
   */
  readonly transport?: TransportChoice;
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
  /**
   * Where applications are told to send their datagrams: an address, perhaps with the ports to receive them at, such as
   * `203.0.113.7:5000-5100`. For NAT and containers; default: to the address at which they have come in, at any port.
   */
  readonly udpAdvertise?: string | undefined;
};

export type ForwardOptions = ListenOptions & {
  /** Where every connection goes: `host:port`, with IPv6 in brackets; with `/udp` behind it, where every datagram goes. */
  readonly target: string;
};

export interface ControlOptions {
  /** A Unix socket; the mode of its file is the caller's umask. */
  readonly path: string;
}

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
  throw notADestination(text);
}

/**
 * The same, or `host:port/udp`.
 * @throws TypeError that says so
 */
export function parseForwarded(text: string): { readonly target: Target; readonly isUdp: boolean } {
  const bare = text.replace(/\/udp$/, '');
  return { target: parseTarget(bare), isUdp: bare !== text };
}

function notADestination(what: unknown): TypeError {
  const isNamed = typeof what === 'object' && what !== null;
  const shown = isNamed ? `{ ${Object.keys(what).join(', ')} }` : JSON.stringify(String(what).slice(0, 300));
  return new TypeError(`not a destination: ${shown}; expected host:port, IPv6 in brackets, or { host, port }`);
}

/** The same for either way to name one. */
export function checkTarget(target: string | Target): Target {
  if (typeof target === 'string') return parseTarget(target);
  if (typeof target?.host !== 'string' || typeof target.port !== 'number') throw notADestination(target);
  return parseTarget(formatTarget(target));
}
