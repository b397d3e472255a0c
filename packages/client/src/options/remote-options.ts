import { addressBytes, parseAuthority, parseName, type Target } from 'wsproxy-engine';
import { OptionError } from 'wsproxy-node/options';

/** Where a server listens for a client. */
export type RemotePlace =
  | {
      /** Address that the server listens on: an IP address, `localhost` (the default), or `*` for every one. */
      readonly host?: string | undefined;
      /** 0 lets the server choose; what it has chosen is asked for again later. */
      readonly port: number;
    }
  /** A Unix socket at the server. */
  | { readonly path: string }
  /** A host name, or `*.` and one: the server has one port for all of them, for HTTP or, with `tls`, for TLS. */
  | { readonly name: string; readonly tls?: boolean | undefined };

/** Of anything that a server listens on for a client. */
export type RemoteListenOptions = RemotePlace & {
  /** Connections that may wait to be answered, 0 for as many as the server allows: the default. */
  readonly backlog?: number | undefined;
  /**
   * What it is called among those of its user, in 255 bytes at most: anyone who comes with the same takes it over. Default: the
   * name of this machine, and where it listens.
   */
  readonly label?: string | undefined;
};

export type RemoteForwardOptions = RemoteListenOptions &
  RemoteDestination & {
    /** Resolves at once, and goes on asking a server that refuses, instead of rejecting. Default false. */
    readonly keepTrying?: boolean | undefined;
  };

/** Where connections go from here. */
export type RemoteDestination =
  | {
      /**
       * All of them there: `host:port`, with IPv6 in brackets, or `unix:/path`; with `/udp` behind a port, where the datagrams
       * go that come to that of the server.
       */
      readonly target: string;
      /** Says ahead of each connection from whom it is, by version 2 of the PROXY protocol; the target must expect that. */
      readonly proxyProtocol?: 'v2' | undefined;
    }
  | {
      /** Where each asks for by SOCKS or HTTP, as at a local port. */
      readonly proxy: true;
      /**
       * What it may ask for besides what is public, in the words of `allow` of a server: `10.0.0.0/8`, `192.168.1.7:443`.
       * A name opens nothing private.
       * Default: nothing.
       */
      readonly allow?: readonly string[] | undefined;
    };

export type RemoteServerOptions = RemoteListenOptions & {
  /** As of `net.createServer`, default false: the own half of a connection ends when the other has ended. */
  readonly allowHalfOpen?: boolean | undefined;
};

/**
 * Reads `host:port`, `host:port/udp` or `unix:/path`.
 * @throws TypeError that says so
 */
export function parseLocalTarget(text: string): { readonly to: LocalTarget; readonly isUdp: boolean } {
  const path = /^unix:(\/.+)$/s.exec(text)?.[1];
  if (path !== undefined) return { to: { path }, isUdp: false };
  const bare = text.replace(/\/udp$/, '');
  const to = parseAuthority(bare);
  if (to !== undefined) return { to, isUdp: bare !== text };
  throw new TypeError(
    `not a destination: ${JSON.stringify(text.slice(0, 300))}; expected host:port, IPv6 in brackets, host:port/udp or unix:/path`,
  );
}

/** Where a connection is dialled from here: a port, or a Unix socket. */
export type LocalTarget = Target | { readonly path: string };

/** @throws OptionError when they do not say where to listen, or say it twice */
export function placeOf(options: RemotePlace, isUdp: boolean): ListenPlace {
  const { host = '', port, path, name, tls = false }: AnyPlace = options;
  const said = Object.entries({ port, path, name }).filter(([, value]) => value !== undefined);
  const [, second] = said;
  if (second !== undefined) throw new OptionError(second[0], `cannot stand beside ${said[0]?.[0]}`);
  if (isUdp && port === undefined) throw new OptionError('target', 'datagrams come to a port of the server alone');
  if (path !== undefined) return { kind: 'unix', bind: path, port: 0 };
  if (name !== undefined) return { kind: tls ? 'tls' : 'http', bind: name.toLowerCase(), port: 0 };
  if (port === undefined) throw new OptionError('port', 'is missing; 0 lets the server choose');
  return { kind: isUdp ? 'udp' : 'tcp', bind: host, port };
}

/** As `ListenRequest` has it. */
export interface ListenPlace {
  readonly kind: 'tcp' | 'udp' | 'unix' | 'http' | 'tls';
  readonly bind: string;
  readonly port: number;
}

interface AnyPlace {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  readonly name?: string | undefined;
  readonly tls?: boolean | undefined;
}

/** What is wrong with an address to listen on. */
export function problemOfBind(text: string): string | undefined {
  const isRight = text === '' || text === '*' || text === 'localhost' || addressBytes(text) !== undefined;
  return isRight ? undefined : 'expected an IP address, localhost, or * for every address';
}

/** What is wrong with a host name to be asked for by. */
export function problemOfName(text: string): string | undefined {
  return parseName(text.replace(/^\*\./, '')) === undefined ? 'expected a host name, or *. and one' : undefined;
}

/** What is wrong with what a listener is to be called. */
export function problemOfLabel(text: string): string | undefined {
  const { length } = Buffer.from(text);
  return length > 0 && length <= MAX_LABEL ? undefined : `expected a text of ${MAX_LABEL} bytes at most`;
}

/** As long as the name of a LISTEN may be (PROTOCOL.md section 3), bytes. */
export const MAX_LABEL = 255;
