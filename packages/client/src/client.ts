import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import {
  type DestinationRule,
  isLoopback,
  type Logger,
  parseAuthority,
  parseDestinationRule,
  silentLogger,
  systemClock,
  type Target,
} from 'wsproxy-protocol';
import { Bypass } from './bypass.js';
import { ChannelLedger } from './channel-ledger.js';
import type { ClientEvents, ClientStatus } from './client-status.js';
import { Connector, type ConnectorState } from './connector.js';
import { dialWebSocket } from './dial-websocket.js';
import { DirectTunnel } from './direct-tunnel.js';
import type { LocalPort, Place } from './listeners/accept-local.js';
import type { ProxyUser } from './listeners/credentials.js';
import { forwardLocal } from './listeners/forward.js';
import { listenLocal } from './listeners/local-port.js';
import { pipeThrough } from './listeners/stdio.js';
import { parseReach, type ReachOptions } from './reach.js';
import { parseServerUrl } from './server-url.js';

export interface ClientOptions extends ReachOptions {
  /** `wss://host[:port]/path`, or `ws://` to loopback. */
  readonly url: string;
  /** Sent as a bearer token; 32 characters or more. */
  readonly token: string;
  /** Servers to use while those before them do not answer, in this order. Default: none. */
  readonly fallbacks?: readonly Fallback[];
  /** Allows `ws://` to other than loopback, where everybody on the way reads the token. Default false. */
  readonly insecure?: boolean;
  /** How long channels survive without a connection, ms; default 120 000. */
  readonly grace?: number;
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
  readonly token?: string;
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
  /** Who may use it, by the password of SOCKS5 or HTTP. An address other than loopback needs them. */
  readonly users?: readonly ProxyUser[] | undefined;
};

export type ForwardOptions = ListenOptions & {
  /** Where every connection goes: `host:port`, with IPv6 in brackets. */
  readonly target: string;
};

const DEFAULT_GRACE = 120_000;
const MAX_CONNECTIONS = 16;

/** The local end of the tunnel. */
export class Client extends EventEmitter<ClientEvents> {
  readonly #connector: Connector;
  /** The way into the tunnel, for everything that opens channels. */
  readonly #ledger: ChannelLedger;
  readonly #direct = new DirectTunnel();
  readonly #rules: readonly DestinationRule[];
  readonly #logger: Logger;
  readonly #ports: LocalPort[] = [];
  /** Of the first port over TCP that offers SOCKS and HTTP. */
  #proxy: AddressInfo | undefined;

  constructor(options: ClientOptions) {
    super();
    const { token, fallbacks = [], insecure = false } = options;
    this.#logger = options.logger ?? silentLogger;
    this.#connector = new Connector({
      servers: [options, ...fallbacks].map((server) => {
        const url = parseServerUrl(server.url, insecure);
        const address = { url, token: server.token ?? token, reach: parseReach(url, options) };
        return { name: url.href, dial: (signal) => dialWebSocket(address, signal) };
      }),
      clock: systemClock,
      logger: this.#logger,
      grace: options.grace ?? DEFAULT_GRACE,
      connections: checkConnections(options.connections ?? 1),
      optimistic: options.optimistic ?? false,
      onState: (state, previous) => this.emit('state', state, previous),
      onResumed: ({ name }) => this.emit('resumed', { server: name }),
    });
    this.#ledger = new ChannelLedger(this.#connector, (change) => this.emit('channel', change));
    this.#rules = (options.bypass ?? []).map(parseDestinationRule);
  }

  get state(): ConnectorState {
    return this.#connector.state;
  }

  /** Living channels. */
  get channelCount(): number {
    return this.#connector.channelCount;
  }

  /** What state, traffic and channels are now; it costs something only when it is asked. */
  status(): ClientStatus {
    return { ...this.#connector.status(), ...this.#ledger.status() };
  }

  /** Resolves when the tunnel is up for the first time; rejects with ConnectError when it never can be. */
  connect(): Promise<void> {
    return this.#connector.start();
  }

  /** Does not wait for the next retry. */
  reconnectNow(): void {
    this.#connector.reconnectNow();
  }

  /**
   * Offers SOCKS and HTTP proxying to local applications.
   * @throws TypeError as `checkProxyOptions` does
   */
  async listen(options: ProxyOptions): Promise<LocalPort> {
    checkProxyOptions(options);
    const { users } = options;
    const tunnel = new Bypass(this.#rules, this.#ledger, this.#direct);
    const place = placeOf(options);
    const port = await this.#keep(listenLocal(tunnel, { place, ...(users && { users }), logger: this.#logger }));
    if (!('path' in place)) this.#proxy ??= port.address;
    return port;
  }

  /**
   * Accepts local applications that speak to one destination.
   * @throws TypeError when the target is no host and port
   */
  forward(options: ForwardOptions): Promise<LocalPort> {
    const target = parseTarget(options.target);
    return this.#keep(forwardLocal(this.#ledger, { place: placeOf(options), target, logger: this.#logger }));
  }

  /**
   * Serves a page that shows the status, with `/status.json` and `/proxy.pac`. There is no password: whoever can connect
   * sees what targets are used.
   */
  async serveStatus(options: ListenOptions): Promise<LocalPort> {
    // Only those who want it wait for it.
    const { serveStatus } = await import('./status/status-page.js');
    const source = { status: () => this.status(), proxy: () => this.#proxy, bypass: this.#rules };
    return this.#keep(serveStatus(source, placeOf(options)));
  }

  /**
   * Joins a pair of streams with the destination `target` (`host:port`): what `input` brings goes there, what comes back
   * goes to `output`, and each end travels by itself. Resolves when both directions have ended; rejects with TunnelError
   * when the channel fails, and with the error of a stream that does.
   * @throws TypeError when the target is no host and port
   */
  pipe(target: string, input: Readable, output: Writable): Promise<void> {
    return pipeThrough(this.#ledger, parseTarget(target), input, output);
  }

  /** Resolves when no channel lives and the server has had all that was sent; rejects when it never will. */
  whenIdle(): Promise<void> {
    return this.#connector.whenIdle();
  }

  /** Ends local ports, channels and the connection. */
  async close(): Promise<void> {
    this.#connector.close();
    this.#direct.close();
    await Promise.all(this.#ports.map((port) => port.close()));
  }

  async #keep(opening: Promise<LocalPort>): Promise<LocalPort> {
    const port = await opening;
    this.#ports.push(port);
    return port;
  }
}

/**
 * Reads `host:port`, with IPv6 in brackets.
 * @throws TypeError that says so
 */
export function parseTarget(text: string): Target {
  const target = parseAuthority(text);
  if (target !== undefined) return target;
  throw new TypeError(`not a destination: ${JSON.stringify(text.slice(0, 300))}; expected host:port, IPv6 in brackets`);
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
  const place = placeOf(options);
  if ('path' in place || isLoopback(place.host) || (users !== undefined && users.length > 0)) return;
  throw new TypeError(`other machines can reach ${place.host}, and nobody would need a password there`);
}

function placeOf(options: ListenOptions): Place {
  return 'path' in options ? { path: options.path } : { host: options.host ?? '127.0.0.1', port: options.port };
}

function checkConnections(connections: number): number {
  if (Number.isInteger(connections) && connections >= 1 && connections <= MAX_CONNECTIONS) return connections;
  throw new TypeError(`connections must be a whole number from 1 to ${MAX_CONNECTIONS}, not ${connections}`);
}
