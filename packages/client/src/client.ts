import { EventEmitter } from 'node:events';
import type { Agent, AgentOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Dispatcher } from 'undici';
import {
  type DestinationRule,
  formatTarget,
  isLoopback,
  type Logger,
  parseAuthority,
  silentLogger,
  systemClock,
  type Target,
} from 'wsproxy-protocol';
import { Bypass, parseBypass } from './bypass.js';
import { ChannelLedger } from './channel-ledger.js';
import type { ClientEvents, ClientStatus } from './client-status.js';
import { Connector, type ConnectorState } from './connector.js';
import { dialWebSocket } from './dial-websocket.js';
import { DirectTunnel } from './direct-tunnel.js';
import { KeepAwake } from './keep-awake.js';
import type { LocalPort, Place } from './listeners/accept-local.js';
import type { ProxyUser } from './listeners/credentials.js';
import { forwardLocal } from './listeners/forward.js';
import { type LocalProtocol, listenLocal } from './listeners/local-port.js';
import { pipeThrough } from './listeners/stdio.js';
import { parseReach, type ReachOptions } from './reach.js';
import { parseServerUrl } from './server-url.js';
import { type ConnectOptions, connectChannel } from './sockets/connect-channel.js';
import { createDispatcher, type DispatcherOptions } from './sockets/create-dispatcher.js';
import { TunnelAgent } from './sockets/tunnel-agent.js';
import type { TunnelSocket } from './sockets/tunnel-socket.js';

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

const DEFAULT_GRACE = 120_000;
/** Of PROTOCOL.md section 4, ms. */
const [MIN_HEARTBEAT, MAX_HEARTBEAT] = [5_000, 600_000];
const MAX_CONNECTIONS = 16;

/**
 * Makes a client. It connects when it is first used, or by `start`, and stays connected until `close`; meanwhile it keeps
 * the process alive only while channels live, local ports are open or `start` is pending.
 * @throws TypeError in one line when an option cannot be used
 */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

/** The local end of the tunnel. */
export class Client extends EventEmitter<ClientEvents> {
  readonly #connector: Connector;
  /** The way into the tunnel, for everything that opens channels. */
  readonly #ledger: ChannelLedger;
  readonly #direct = new DirectTunnel();
  readonly #rules: readonly DestinationRule[];
  readonly #bypass: Bypass;
  readonly #logger: Logger;
  readonly #ports: LocalPort[] = [];
  readonly #awake = new KeepAwake();
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
      heartbeat: checkHeartbeat(options.heartbeat),
      connections: checkConnections(options.connections ?? 1),
      optimistic: options.optimistic ?? false,
      onState: (state, previous) => this.emit('state', state, previous),
      onResumed: ({ name }) => this.emit('resumed', { server: name }),
    });
    this.#ledger = new ChannelLedger(this.#connector, this.#awake, (change) => this.emit('channel', change));
    this.#rules = parseBypass(options.bypass ?? []);
    this.#bypass = new Bypass(this.#rules, this.#ledger, this.#direct);
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
  async start(): Promise<void> {
    this.#awake.hold();
    try {
      await this.#connector.start();
    } finally {
      this.#awake.release();
    }
  }

  /**
   * A connection to `target`, which is `host:port` with IPv6 in brackets, or both apart; resolves when it was dialled.
   * Half-close is kept, a reset is an error. Rejects, and the socket fails, with TunnelError: its `code` says why.
   * @throws TypeError when the target is no host and port
   */
  connect(target: string | Target, options?: ConnectOptions): Promise<TunnelSocket> {
    return connectChannel(this.#bypass, checkTarget(target), options);
  }

  /** For `http.request`, `https.request` and whatever else takes an agent. `options` are those of `http.Agent`. */
  agent(options?: AgentOptions): Agent {
    return new TunnelAgent((target) => this.connect(target), options);
  }

  /** For `fetch` and undici, which the program must have installed. `options` are those of undici's `Agent`. */
  dispatcher(options?: DispatcherOptions): Promise<Dispatcher> {
    return createDispatcher((target) => this.connect(target), options);
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
    const { users, protocols } = options;
    const place = placeOf(options);
    const port = await this.#keep(listenLocal(this.#bypass, { place, users, protocols, logger: this.#logger }));
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
  async close({ drain = 0 }: CloseOptions = {}): Promise<void> {
    for (const port of this.#ports) port.stop();
    if (drain > 0 && this.channelCount > 0) await this.#drain(drain);
    this.#connector.close();
    this.#direct.close();
    await Promise.all(this.#ports.map((port) => port.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #drain(time: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, time);
    });
    // A session that is lost has nothing left to wait for.
    await Promise.race([this.whenIdle().catch(() => {}), late]);
    clearTimeout(timer);
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

function checkTarget(target: string | Target): Target {
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

function checkHeartbeat(heartbeat: number | undefined): number | undefined {
  if (heartbeat === undefined) return undefined;
  if (heartbeat >= MIN_HEARTBEAT && heartbeat <= MAX_HEARTBEAT) return heartbeat;
  throw new TypeError(`heartbeat must be from ${MIN_HEARTBEAT} to ${MAX_HEARTBEAT} ms, not ${heartbeat}`);
}
