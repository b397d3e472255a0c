import { EventEmitter } from 'node:events';
import type { Agent, AgentOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
// biome-ignore lint/suspicious/noTsIgnore: in the types of the package, where it is an error for those alone who have no undici.
/** @ts-ignore Who does not use it need not have it. */
import type { Dispatcher } from 'undici';
import { type FlowTunnel, type Logger, systemClock, systemMemory, type Target, type Tunnel } from 'wsproxy-engine';
import { Connector, type ConnectorState } from 'wsproxy-engine/connector';
import type { LocalPort } from 'wsproxy-node/accept';
import {
  forwardLocal,
  forwardUdp,
  listenControl,
  listenLocal,
  parseAdvertised,
  pipeThrough,
} from 'wsproxy-node/accept';
import type { DestinationRule } from 'wsproxy-node/targets';
import type { Quota } from './account/ask-quota.js';
import { QuotaWatch } from './account/quota-watch.js';
import { type IncomingOptions, type OnIncoming, Services } from './calls/services.js';
import type { Inspection } from './inspect/inspection.js';
import {
  type ClientOptions,
  type CloseOptions,
  type ControlOptions,
  checkTarget,
  type ForwardOptions,
  type ListenOptions,
  type ProxyOptions,
  parseForwarded,
  parseTarget,
} from './options/client-options.js';
import type { InspectOptions } from './options/inspect-options.js';
import {
  checkControlOptions,
  checkInspectOptions,
  checkMethodOptions,
  checkProxyOptions,
  endpointOf,
  METHOD_OPTIONS,
  udpEndpointOf,
} from './options/method-options.js';
import type { RemoteForwardOptions, RemoteServerOptions } from './options/remote-options.js';
import { resolveSettings } from './options/resolve-settings.js';
import { knownServers } from './reach/known-servers.js';
import type { Reader } from './reach/option-names.js';
import { ListenerLedger } from './remote/listener-ledger.js';
import { RemoteDoor } from './remote/remote-door.js';
import type { RemoteForward } from './remote/remote-forward.js';
import type { RemoteServer } from './remote/remote-server.js';
import { type ConnectOptions, connectSocket } from './sockets/connect-socket.js';
import { createDispatcher, type DispatcherOptions } from './sockets/create-dispatcher.js';
import { DatagramSocket } from './sockets/datagram-socket.js';
import { TunnelAgent } from './sockets/tunnel-agent.js';
import { type SocketOptions, TunnelSocket, type TunnelSocketOptions } from './sockets/tunnel-socket.js';
import { Bypass } from './tunnel/bypass.js';
import { ChannelLedger } from './tunnel/channel-ledger.js';
import type { ClientEvents, ClientStatus } from './tunnel/client-status.js';
import { DirectTunnel } from './tunnel/direct-tunnel.js';
import { drained } from './tunnel/drained.js';
import { FlowLedger } from './tunnel/flow-ledger.js';
import { KeepAwake } from './tunnel/keep-awake.js';

/**
 * Makes a client. It connects when it is first used, or by `start`, and stays connected until `close`; meanwhile it keeps
 * the process alive only while channels or flows live, local ports or remote listeners are open or `start` is pending.
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
  readonly #flows: FlowLedger;
  readonly #listeners = new ListenerLedger(systemClock, (listener) => void this.emit('listener', listener));
  readonly #remote: RemoteDoor;
  readonly #services: Services;
  readonly #quota: QuotaWatch;
  /** Through the tunnel, to any destination. */
  #tunnel: Tunnel & FlowTunnel;
  /** Through the tunnel or past it, as the rules say. */
  #ways: Tunnel & FlowTunnel;
  #inspection: Inspection | undefined;
  /** Given for servers; who looks into connections verifies destinations by it. */
  readonly #ca: string | undefined;
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
    const { servers, bypass, transport, ...settings } = resolveSettings(options, reader);
    this.#logger = settings.logger;
    this.#ca = options.ca;
    this.#connector = new Connector({
      ...settings,
      servers: knownServers(servers, transport, settings.logger),
      clock: systemClock,
      memory: systemMemory,
      onCall: (channel, service) => this.#services.take(channel, service),
      isAwaited: () => this.#services.size > 0,
      onState: (state, previous) => this.emit('state', state, previous),
      onRetry: ({ name }, { reason, delay, former }) =>
        this.emit('retry', { server: name, reason, retryInMs: delay, wasConnected: former === 'online' }),
      onServer: ({ name }, former) => this.emit('server', { server: name, former: former.name }),
      onResumed: ({ name }) => this.emit('resumed', { server: name }),
    });
    this.#quota = new QuotaWatch(this.#connector, systemClock, () => this.#connector.accountServer);
    this.#rules = bypass;
    if (bypass.length > 0) this.#direct.prepare();
    this.#ledger = new ChannelLedger(this.#awake, (change) => {
      if (change.failure === 'QUOTA_USED_UP') this.#quota.noteUsedUp();
      this.emit('channel', change);
    });
    this.#flows = new FlowLedger(this.#awake, (change) => {
      if (change.failure === 'QUOTA_USED_UP') this.#quota.noteUsedUp();
      this.emit('flow', change);
    });
    this.#services = new Services({ channels: this.#ledger, awake: this.#awake, keepAwakeFor: this.#awake.forChannel });
    this.#remote = new RemoteDoor(this.#connector, {
      ...{ homes: this.#connector, listeners: this.#listeners, channels: this.#ledger, flows: this.#flows },
      ...{ awake: this.#awake, clock: systemClock, logger: this.#logger, keepAwakeFor: this.#awake.forChannel },
      proxy: {
        logger: this.#logger,
        onRefused: this.#onRefused,
        listening: () => this.#ports.map(({ address }) => address).filter(({ family }) => family !== 'unix'),
      },
    });
    this.#tunnel = { ...this.#ledger.over(this.#connector), ...this.#flows.over(this.#connector) };
    const direct = { ...this.#ledger.hide(this.#direct), ...this.#flows.hide(this.#direct) };
    this.#ways = new Bypass(bypass, this.#tunnel, direct);
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
    const { channels, ...ofChannels } = this.#ledger.status();
    const { flows, ...ofFlows } = this.#flows.status();
    return {
      ...tunnel,
      bytesUp: ofChannels.bytesUp + ofFlows.bytesUp,
      bytesDown: ofChannels.bytesDown + ofFlows.bytesDown,
      channels,
      flows,
      listeners: this.#listeners.status(),
      uptimeMs,
      ...(quota && { quota }),
    };
  }

  /** Resolves when the tunnel is up for the first time; rejects with ConnectError when it never can be. */
  start(): Promise<void> {
    return this.#awake.during(() => this.#connector.start());
  }

  /**
   * Asks the server, unless that was done a moment ago, what its user may carry this month; connects as `start` does.
   * Undefined when the server does not tell that, or not now.
   */
  quota(): Promise<Quota | undefined> {
    return this.#awake.during(async () => {
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

  /**
   * A socket for datagrams (UDP), which can be used at once. `target`, `host:port` or both apart, is its one peer; without
   * one, each datagram says where it goes. When the server carries none, or not to this peer, the socket tells an `error`, a TunnelError:
   * its `code` is `UNSUPPORTED`, `DENIED` and so on.
   * @throws TypeError when the target is no host and port
   */
  datagrams(target?: string | Target): DatagramSocket {
    return new DatagramSocket(this.#ways, target === undefined ? undefined : checkTarget(target), this.#awake.forFlow);
  }

  /** For `http.request`, `https.request` and anything else that takes an agent. `options` are those of `http.Agent`. */
  agent(options?: AgentOptions): Agent {
    return new TunnelAgent((target, how) => this.connect(target, how), options);
  }

  /** For `fetch` and undici, which the program must have installed. `options` are those of undici's `Agent`. */
  dispatcher(options?: DispatcherOptions): Promise<Dispatcher> {
    return createDispatcher((target) => this.connect(target), options);
  }

  /**
   * Looks into the connections to some destinations that begin from now on. To be called once, and before `serveStatus`, `listen` and
   * `forward`, whose applications have to trust the CA in `folder`. The server sees nothing of it.
   * @throws TypeError for a rule or a script that cannot be used; Error in one line when the CA or the archive cannot be used
   */
  async inspect(options: InspectOptions): Promise<void> {
    checkInspectOptions(options);
    // Only those who want it load it.
    const { beginInspection } = await import('./inspect/begin-inspection.js');
    const inspection = await beginInspection(options, { ca: this.#ca, logger: this.#logger });
    this.#inspection = inspection;
    this.#tunnel = inspection.over(this.#tunnel);
    this.#ways = inspection.over(this.#ways);
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
    const { users, protocols, udpAdvertise } = options;
    const udpAdvertised = udpAdvertise === undefined ? undefined : parseAdvertised(udpAdvertise);
    const at = endpointOf(options);
    const port = await this.#keep(
      listenLocal(this.#ways, {
        at,
        users,
        protocols,
        udpAdvertised,
        logger: this.#logger,
        onRefused: this.#onRefused,
      }),
    );
    if (!('path' in at)) this.#proxy ??= port.address;
    return port;
  }

  /**
   * Accepts local applications that speak to one destination, over TCP or, with `/udp` behind the target, UDP.
   * @throws TypeError when the target is no host and port
   */
  forward(options: ForwardOptions): Promise<LocalPort> {
    checkMethodOptions(METHOD_OPTIONS.forward, options);
    const { target, isUdp } = parseForwarded(options.target);
    const common = { target, logger: this.#logger };
    if (isUdp) return this.#keep(forwardUdp(this.#tunnel, { at: udpEndpointOf(options), ...common }));
    return this.#keep(forwardLocal(this.#tunnel, { at: endpointOf(options), ...common }));
  }

  /**
   * Lets the server listen, and dials `target` from here for each connection that comes there; no matter what the server says, it
   * reaches nothing else. Resolves when it listens for the first time; rejects with TunnelError when it does not, whose `code` is
   * such as `DENIED`, `ADDRESS_IN_USE`, `UNSUPPORTED`. Afterwards it is asked again whenever that has ended, until `close`.
   * @throws TypeError when the options do not say where to listen, or where to go
   */
  forwardRemote(options: RemoteForwardOptions): Promise<RemoteForward> {
    return this.#awake.during(() => this.#remote.forward(options));
  }

  /**
   * As `net.createServer(onConnection).listen(options)`, but the server listens, which has to allow it: what comes there is a
   * `connection` here. Asks for it at once; `listening` or `error` tell what has come of that.
   * @throws TypeError when the options do not say where to listen
   */
  listenRemote(options: RemoteServerOptions, onConnection?: (socket: TunnelSocket) => void): RemoteServer {
    const server = this.#remote.listen(options);
    return onConnection === undefined ? server : server.on('connection', onConnection);
  }

  /**
   * Registers a service: each connection that the program at the server opens to it (`server.open`) is given to `onConnection`, as soon
   * as this client is connected, in any session. A server can reach nothing but such services. Returns what unregisters it;
   * the process lives as long as it is registered.
   * @throws TypeError when the name cannot be one, or is registered
   */
  onIncoming(service: string, onConnection: OnIncoming, options: IncomingOptions = {}): () => void {
    checkMethodOptions(METHOD_OPTIONS.onIncoming, options);
    return this.#services.register(service, onConnection, options);
  }

  /**
   * Lets `wsproxy-client -W` of the same machine use this tunnel: its `--control` names the Unix socket. Nobody needs a
   * password there: anyone who can open the socket may use the tunnel.
   */
  async serveControl(options: ControlOptions): Promise<LocalPort> {
    checkControlOptions(options);
    return this.#keep(listenControl(this.#tunnel, { at: { path: options.path }, logger: this.#logger }));
  }

  /**
   * Serves a page that shows the status, with `/status.json` and `/proxy.pac`. There is no password: anyone who can connect
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
      inspected: this.#inspection?.inspected,
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
  whenIdle(): Promise<void> {
    return this.#awake.during(async () => {
      await Promise.all([this.#inspection?.whenIdle(), this.#connector.whenIdle(), this.#direct.whenIdle()]);
    });
  }

  /** Ends local ports, channels and the connection. */
  async close(options: CloseOptions = {}): Promise<void> {
    checkMethodOptions(METHOD_OPTIONS.close, options);
    const { drain = 0 } = options;
    for (const port of this.#ports) port.stop();
    this.#remote.close();
    this.#services.close();
    if (drain > 0) await drained(drain, () => this.whenIdle());
    const seen = this.#inspection?.close();
    this.#connector.close();
    this.#direct.close();
    await Promise.all([seen, ...this.#ports.map((port) => port.close())]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #newSocket(options: TunnelSocketOptions): TunnelSocket {
    const whyDown = (): Error | undefined => this.#connector.trouble;
    return new TunnelSocket(this.#ways, { ...options, keepAwake: this.#awake.forChannel, whyDown });
  }

  readonly #onRefused = (reason: string): void => void this.emit('refused', { reason });

  async #keep(opening: Promise<LocalPort>): Promise<LocalPort> {
    const port = await opening;
    this.#ports.push(port);
    if (this.#connector.state !== 'closed') return port;
    await port.close();
    throw this.#connector.trouble;
  }
}
