import { EventEmitter } from 'node:events';
import type { Agent, AgentOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
// biome-ignore lint/suspicious/noTsIgnore: in the types of the package, where it is an error for those alone who have no undici.
/** @ts-ignore Who does not use it need not have it. */
import type { Dispatcher } from 'undici';
import { isOver, type Logger, systemClock, systemMemory, type Target, type Tunnel } from 'wsproxy-engine';
import type { LocalPort } from 'wsproxy-node/accept';
import { forwardLocal, listenLocal, pipeThrough } from 'wsproxy-node/accept';
import type { DestinationRule } from 'wsproxy-node/targets';
import type { Quota } from './account/ask-quota.js';
import { QuotaWatch } from './account/quota-watch.js';
import {
  type ClientOptions,
  type CloseOptions,
  checkTarget,
  type ForwardOptions,
  type ListenOptions,
  type ProxyOptions,
  parseTarget,
} from './options/client-options.js';
import { checkMethodOptions, checkProxyOptions, endpointOf, METHOD_OPTIONS } from './options/method-options.js';
import { resolveSettings } from './options/resolve-settings.js';
import { connectTransport } from './reach/connect-transport.js';
import type { Reader } from './reach/option-names.js';
import { type ConnectOptions, connectSocket } from './sockets/connect-socket.js';
import { createDispatcher, type DispatcherOptions } from './sockets/create-dispatcher.js';
import { TunnelAgent } from './sockets/tunnel-agent.js';
import {
  type KeepAwakeFor,
  type SocketOptions,
  TunnelSocket,
  type TunnelSocketOptions,
} from './sockets/tunnel-socket.js';
import { Bypass } from './tunnel/bypass.js';
import { ChannelLedger } from './tunnel/channel-ledger.js';
import type { ClientEvents, ClientStatus } from './tunnel/client-status.js';
import { Connector, type ConnectorState } from './tunnel/connector.js';
import { DirectTunnel } from './tunnel/direct-tunnel.js';
import { KeepAwake } from './tunnel/keep-awake.js';

/**
 * Makes a client. It connects when it is first used, or by `start`, and stays connected until `close`; meanwhile it keeps
 * the process alive only while channels live, local ports are open or `start` is pending.
 * @throws TypeError in one line when an option cannot be used
 */
export function createClient(options: ClientOptions): Client {
  return new Client(options, 'program');
}

/** The local end of the tunnel. */
export class Client extends EventEmitter<ClientEvents> {
  readonly #connector: Connector;
  readonly #direct = new DirectTunnel();
  readonly #ledger: ChannelLedger;
  readonly #quota: QuotaWatch;
  /** Through the tunnel, wherever to. */
  readonly #tunnel: Tunnel;
  /** Through the tunnel or past it, as the rules say. */
  readonly #ways: Tunnel;
  readonly #rules: readonly DestinationRule[];
  readonly #logger: Logger;
  readonly #ports: LocalPort[] = [];
  readonly #awake = new KeepAwake();
  /** By the clock. */
  readonly #madeAt = systemClock.now();
  /** Of the first port over TCP that offers SOCKS and HTTP. */
  #proxy: AddressInfo | undefined;

  /** `reader`: who reads the messages. */
  constructor(options: ClientOptions, reader: Reader) {
    super();
    const { servers, bypass, ...settings } = resolveSettings(options, reader);
    this.#logger = settings.logger;
    this.#connector = new Connector({
      ...settings,
      servers: servers.map((server) => ({
        name: server.url.href,
        connect: (signal) => connectTransport(server, signal, systemMemory),
      })),
      clock: systemClock,
      memory: systemMemory,
      onState: (state, previous) => this.emit('state', state, previous),
      onRetry: ({ name }, { reason, delay, former }) =>
        this.emit('retry', { server: name, reason, retryInMs: delay, wasConnected: former === 'online' }),
      onServer: ({ name }, former) => this.emit('server', { server: name, former: former.name }),
      onResumed: ({ name }) => this.emit('resumed', { server: name }),
    });
    this.#quota = new QuotaWatch(this.#connector, systemClock, () => this.#connector.accountServer);
    this.#rules = bypass;
    this.#ledger = new ChannelLedger(this.#awake, (change) => {
      if (change.failure === 'QUOTA_USED_UP') this.#quota.noteUsedUp();
      this.emit('channel', change);
    });
    this.#tunnel = this.#ledger.over(this.#connector);
    this.#ways = new Bypass(bypass, this.#tunnel, this.#ledger.hide(this.#direct));
  }

  get state(): ConnectorState {
    return this.#connector.state;
  }

  /** Living channels, by either way. */
  get channelCount(): number {
    return this.#ledger.size;
  }

  /** What state, traffic and channels are now; it costs something only when it is asked. */
  status(): ClientStatus {
    const uptimeMs = Math.round(systemClock.now() - this.#madeAt);
    const tunnel = this.#connector.status();
    const quota = this.#quota.of(tunnel.server);
    return { ...tunnel, ...this.#ledger.status(), uptimeMs, ...(quota && { quota }) };
  }

  /** Resolves when the tunnel is up for the first time; rejects with ConnectError when it never can be. */
  start(): Promise<void> {
    return this.#whileAwake(() => this.#connector.start());
  }

  /**
   * Asks the server, unless that was done a moment ago, what its user may carry this month; connects as `start` does.
   * Undefined when the server does not tell that, or not now.
   */
  quota(): Promise<Quota | undefined> {
    return this.#whileAwake(async () => {
      await this.#connector.start();
      return this.#quota.look();
    });
  }

  /**
   * A connection to `target`, which is `host:port` with IPv6 in brackets, or both apart; resolves when it was dialled.
   * A reset is an error, never an end. Rejects, and the socket fails, with TunnelError: its `code` says why.
   * @throws TypeError when the target is no host and port
   */
  connect(target: string | Target, options: ConnectOptions = {}): Promise<TunnelSocket> {
    checkMethodOptions(METHOD_OPTIONS.connect, options);
    const { allowHalfOpen, ...rest } = options;
    return connectSocket(this.#newSocket({ allowHalfOpen }), checkTarget(target), rest);
  }

  /**
   * As `new net.Socket(options)`, for what takes a socket and connects it itself. It fails as one of the system does: `code`
   * is such as ECONNREFUSED, the `cause` a TunnelError.
   */
  socket({ allowHalfOpen }: SocketOptions = {}): TunnelSocket {
    return this.#newSocket({ allowHalfOpen, errors: 'system' });
  }

  /** For `http.request`, `https.request` and whatever else takes an agent. `options` are those of `http.Agent`. */
  agent(options?: AgentOptions): Agent {
    return new TunnelAgent((target, how) => this.connect(target, how), options);
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
   * Goes on with another WebSocket, opened with the token of now; what runs loses nothing. For a `token` that is a function,
   * when it gives another one: the old one is then used no more. Before the client connects it does nothing.
   */
  renew(): void {
    this.#connector.renew();
  }

  /**
   * Offers SOCKS and HTTP proxying to local applications.
   * @throws TypeError as `checkProxyOptions` does
   */
  async listen(options: ProxyOptions): Promise<LocalPort> {
    checkProxyOptions(options);
    const { users, protocols } = options;
    const at = endpointOf(options);
    const onRefused = (reason: string): void => void this.emit('refused', { reason });
    const port = await this.#keep(listenLocal(this.#ways, { at, users, protocols, logger: this.#logger, onRefused }));
    if (!('path' in at)) this.#proxy ??= port.address;
    return port;
  }

  /**
   * Accepts local applications that speak to one destination.
   * @throws TypeError when the target is no host and port
   */
  forward(options: ForwardOptions): Promise<LocalPort> {
    checkMethodOptions(METHOD_OPTIONS.forward, options);
    const target = parseTarget(options.target);
    return this.#keep(forwardLocal(this.#tunnel, { at: endpointOf(options), target, logger: this.#logger }));
  }

  /**
   * Serves a page that shows the status, with `/status.json` and `/proxy.pac`. There is no password: whoever can connect
   * sees what targets are used.
   */
  async serveStatus(options: ListenOptions): Promise<LocalPort> {
    checkMethodOptions(METHOD_OPTIONS.serveStatus, options);
    // Only those who want it wait for it.
    const { serveStatus } = await import('./status/status-page.js');
    const source = {
      status: () => this.status(),
      askQuota: () => this.#quota.look(),
      events: this,
      proxy: () => this.#proxy,
      bypass: this.#rules,
    };
    return this.#keep(serveStatus(source, endpointOf(options)));
  }

  /**
   * Joins a pair of streams with the destination `target` (`host:port`): what `input` brings goes there, what comes back
   * goes to `output`, and each end travels by itself. Resolves when both directions have ended; rejects with TunnelError
   * when the channel fails, and with the error of a stream that does.
   * @throws TypeError when the target is no host and port
   */
  pipe(target: string, input: Readable, output: Writable): Promise<void> {
    return pipeThrough(this.#tunnel, parseTarget(target), input, output);
  }

  /** Resolves when no channel lives and the server has had all that was sent; rejects when it never will. */
  async whenIdle(): Promise<void> {
    await Promise.all([this.#connector.whenIdle(), this.#direct.whenIdle()]);
  }

  /** Ends local ports, channels and the connection. */
  async close(options: CloseOptions = {}): Promise<void> {
    checkMethodOptions(METHOD_OPTIONS.close, options);
    const { drain = 0 } = options;
    for (const port of this.#ports) port.stop();
    if (drain > 0) await this.#drain(drain);
    this.#connector.close();
    this.#direct.close();
    await Promise.all(this.#ports.map((port) => port.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #newSocket(options: TunnelSocketOptions): TunnelSocket {
    const whyDown = (): Error | undefined => this.#connector.trouble;
    return new TunnelSocket(this.#ways, { ...options, keepAwake: this.#keepAwakeFor, whyDown });
  }

  readonly #keepAwakeFor: KeepAwakeFor = (channel, isAwake) => {
    if (!isAwake) this.#awake.release(channel);
    else if (!isOver(channel.state)) this.#awake.hold(channel);
  };

  async #whileAwake<T>(task: () => Promise<T>): Promise<T> {
    const reason = {};
    this.#awake.hold(reason);
    try {
      return await task();
    } finally {
      this.#awake.release(reason);
    }
  }

  async #drain(time: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, time);
    });
    await Promise.race([this.#whenDone(), late]);
    clearTimeout(timer);
  }

  /** As `whenIdle`, but a session that is lost leaves the others to wait for. */
  async #whenDone(): Promise<void> {
    const isDone = (): Promise<boolean> =>
      this.whenIdle().then(
        () => true,
        () => false,
      );
    while (!(await isDone()));
  }

  async #keep(opening: Promise<LocalPort>): Promise<LocalPort> {
    const port = await opening;
    this.#ports.push(port);
    if (this.#connector.state !== 'closed') return port;
    await port.close();
    throw this.#connector.trouble;
  }
}
