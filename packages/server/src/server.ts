import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ACCOUNT_HOST, silentLogger, systemClock, systemMemory, THROUGHPUT_HOST } from 'wsproxy-engine';
import {
  createDial,
  createLookup,
  createPolicies,
  createResolver,
  createUpstream,
  type DialTarget,
  type ListeningAddress,
} from 'wsproxy-node/dial';
import { OptionError } from 'wsproxy-node/options';
import { WebSocketAcceptor } from 'wsproxy-node/transports';
import { AccountService } from './channels/account-service.js';
import { createChannelHandler, createRefusalHandler } from './channels/channel-handler.js';
import type { ChannelService } from './channels/served-channel.js';
import { ThroughputService } from './channels/throughput-service.js';
import { authorizationValues } from './gateway/authenticate.js';
import { createGateway, type Gateway, type GatewayOptions } from './gateway/gateway.js';
import { type ListenOptions, listenOn, type TcpListenOptions } from './gateway/listen.js';
import type { TlsOptions } from './gateway/tls.js';
import { Guard } from './limits/guard.js';
import { resolveLimits } from './limits/limits.js';
import { QuotaFile } from './limits/quota-file.js';
import { createAccessLog } from './observe/access-log.js';
import { Observers, type ServerObserver } from './observe/observer.js';
import { type CheckedOptions, checkServerOptions, rulesOf } from './options/check-server-options.js';
import type { ServerOptions } from './options/server-options.js';
import type { SessionInfo } from './sessions/session-info.js';
import { SessionRegistry } from './sessions/session-registry.js';
import { checkUser } from './users/check-user.js';
import { type Denial, denialOf } from './users/denial.js';
import { soleUser, UserDirectory, type UserEntry } from './users/directory.js';
import type { User } from './users/user.js';

/**
 * Makes the far end of a tunnel: `listen`, or hand it upgrades of an HTTP server that is there already.
 * @throws OptionError for the first option that cannot be used
 */
export function createServer<U extends User = User>(options: ServerOptions<U>): Server {
  // Nobody but `authenticate` makes users, where there is one.
  return new Server(options as unknown as ServerOptions);
}

/** What a server does when it ends. */
export interface CloseOptions {
  /** For how long running channels may finish, ms; default 0. Whoever is away may come back for them meanwhile. */
  readonly drain?: number;
}

/** The far end of the tunnel. */
export class Server {
  readonly #gateway: Gateway;
  readonly #registry: SessionRegistry;
  readonly #guard: Guard;
  readonly #quotaFile: QuotaFile | undefined;
  readonly #observers: Observers;
  readonly #directory: UserDirectory | undefined;
  readonly #listening: ListeningAddress[] = [];
  #isEmbedded = false;
  #stopping = false;

  constructor(given: ServerOptions) {
    const options = checkServerOptions(given);
    const { path, grace, logger = silentLogger, accessLog } = options;
    this.#observers = new Observers((error) => logger.error({ err: error }, 'an observer has thrown an error'));
    const observer = this.#observers;
    const limits = resolveLimits(options.limits);
    const directory = directoryOf(options);
    const guard = new Guard({
      limits,
      clock: systemClock,
      logger,
      onLimit: (limit) => observer.onLimit(limit),
      // Whom `authenticate` may let in nobody knows.
      isShared: () => directory === undefined || directory.ids.size > 1,
    });
    this.#guard = guard;
    if (accessLog) observer.add(createAccessLog(guard.lines));
    if (options.observer !== undefined) observer.add(options.observer);
    const { quotaFile } = options;
    if (quotaFile !== undefined)
      this.#quotaFile = new QuotaFile({ path: quotaFile, accounts: guard.accounts, clock: systemClock, logger });
    const policies = createPolicies(rulesOf(options), { listening: () => this.#listening });
    this.#directory = directory;
    const service: ChannelService = {
      dial: dialOf(options, guard),
      policyOf: (user) => policies(user.policy),
      ...{ logger, observer, guard, logTargets: accessLog },
    };
    this.#registry = new SessionRegistry({
      clock: systemClock,
      memory: systemMemory,
      logger,
      onChannel: createChannelHandler(service),
      onRefused: createRefusalHandler(service),
      guard,
      maxGrace: grace,
      observer,
      ...(directory !== undefined && { present: (user) => directory.present(user) }),
    });
    this.#gateway = createGateway({
      ...gatewayOptionsOf(options),
      path,
      ...doorkeeperOf(options, directory),
      hasRoom: (user) => this.#hasRoom(user, guard),
      acceptors: [new WebSocketAcceptor(systemMemory)],
      onTransport: (transport, user, caller) => {
        const onClosed = this.#registry.onOpen(user);
        this.#registry.accept(transport, user, caller);
        return onClosed;
      },
      logger,
      observer,
      guard,
      limits: { handshakeTimeout: limits.upgradeTimeout, pendingConnections: placesOf(guard) },
    });
    logger.debug({ sockets: guard.maxSockets }, 'sockets that may be open at a time');
  }

  /** Living sessions, attached or waiting to be resumed. */
  get sessionCount(): number {
    return this.#registry.size;
  }

  /** Living channels of all sessions. */
  get channelCount(): number {
    return this.#registry.channelCount;
  }

  /**
   * Once. Resolves with where it listens; rejects with the system's error (`EADDRINUSE`, `EACCES`) when the address
   * cannot be had, with `SERVER_CLOSED` after `close`.
   */
  listen(options: TcpListenOptions): Promise<AddressInfo>;
  listen(options: ListenOptions): Promise<AddressInfo | undefined>;
  async listen(options: ListenOptions): Promise<AddressInfo | undefined> {
    if (this.#stopping) throw Object.assign(new Error('the server was closed; make another one'), CLOSED);
    const address = await listenOn(this.#gateway.server, options);
    if (address !== undefined) this.#listening.push(address);
    return address;
  }

  /**
   * Takes an `upgrade` event of an HTTP server of yours, whatever its path, and answers it: with 101 for whoever may come
   * in, otherwise as `listen` would. Never throws. No tunnel leads to the port that the request came in on.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#isEmbedded = true;
    const { localPort } = request.socket;
    if (localPort !== undefined && !this.#listening.some(({ port }) => port === localPort)) {
      this.neverDial({ address: '::', port: localPort });
    }
    this.#gateway.handleUpgrade(request, socket, head);
  }

  /**
   * Exchanges certificate, key and client CA, also while connections are open: they keep theirs.
   * @throws OptionError that says what is wrong with them; nothing has changed then
   */
  setTls(tls: TlsOptions): void {
    this.#gateway.setTls(tls);
  }

  /** New clients are served: it listens, or has been given upgrades, and is not about to stop. */
  get isReady(): boolean {
    return (this.#gateway.server.listening || this.#isEmbedded) && !this.#stopping;
  }

  /** Every living session and its channels, as they are now. */
  sessions(): SessionInfo[] {
    return this.#registry.describe();
  }

  /** Ids of the users that are known beforehand; those whom `authenticate` lets in are not. */
  get userIds(): ReadonlySet<string> {
    return this.#directory?.ids ?? new Set();
  }

  /** When the certificate of `tls` stops counting, or the first of those with it; undefined without. */
  get certificateExpires(): Date | undefined {
    const { certificateExpires } = this.#gateway;
    return certificateExpires === undefined ? undefined : new Date(certificateExpires);
  }

  /** Tells `observer` too what happens from here on. */
  observe(observer: ServerObserver): void {
    this.#observers.add(observer);
  }

  /** No tunnel leads to `address`, even where private destinations are allowed: for what listens beside this server. */
  neverDial(address: ListeningAddress): void {
    this.#listening.push(address);
  }

  /**
   * From now on these are the users, and no others: sessions end at once that came with a token which is gone, or whose user
   * is gone or disabled; new rules count from the next channel on. Also in place of `token`.
   * @throws OptionError that names the user at fault, and changes nothing then
   */
  setUsers(users: readonly UserEntry[]): void {
    if (this.#directory === undefined) throw new OptionError('users', 'the server was made with authenticate');
    this.#directory.replace(users);
    this.#registry.endAbsent();
  }

  /**
   * Ends every session of a user at once, and returns how many there were: channels are reset, and the client is told
   * that it has lost access, and stops. For those whom `authenticate` lets in no more.
   */
  endSessions(userId: string): number {
    return this.#registry.endSessionsOf(userId);
  }

  /**
   * Takes nothing new, lets running channels finish as long as `drain` says, ends every session, and stops listening.
   * Resolves when the last connection is gone, with the number of channels that did not finish. Called again, it waits
   * for nobody.
   */
  async close({ drain = 0 }: CloseOptions = {}): Promise<number> {
    const mayDrain = drain > 0 && !this.#stopping;
    this.#stopping = true;
    const unfinished = mayDrain ? await this.#registry.drain(drain) : this.channelCount;
    this.#registry.close();
    this.#guard.close();
    await this.#gateway.close();
    await this.#quotaFile?.close();
    return unfinished;
  }

  /** As `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #hasRoom(user: User, guard: Guard): boolean {
    const limit = this.#registry.refuses(user);
    if (limit !== undefined) guard.hit(limit, user.id, user.limits?.sessions);
    return limit === undefined;
  }
}

const CLOSED = { code: 'SERVER_CLOSED' };

/** Those who wait at the door; strangers get no more than a quarter of the sockets. */
function placesOf({ limits, maxSockets }: Guard): number {
  return Math.max(1, Math.min(limits.unauthenticated, Math.floor(maxSockets / 4)));
}

function directoryOf({ token, users }: ServerOptions): UserDirectory | undefined {
  if (token !== undefined) return new UserDirectory([soleUser(token)]);
  return users && new UserDirectory(users);
}

function doorkeeperOf(
  { authenticate }: ServerOptions,
  directory: UserDirectory | undefined,
): Pick<GatewayOptions, 'authenticate' | 'whyNot'> {
  if (authenticate === undefined) {
    const shown = ({ rawHeaders }: IncomingMessage) => authorizationValues(rawHeaders)[0];
    return {
      authenticate: (request) => directory?.authenticate(shown(request)),
      whyNot: (request) => directory?.whyNot(shown(request)) ?? NOBODY,
    };
  }
  const denied = new WeakMap<IncomingMessage, Denial>();
  return {
    authenticate: async (request) => {
      const user = (await authenticate(request)) ?? undefined;
      if (user === undefined) return undefined;
      checkUser(user, 'authenticate');
      const denial = denialOf(user, systemClock.wallTime());
      if (denial === undefined) return user;
      denied.set(request, denial);
      return undefined;
    },
    whyNot: (request) => denied.get(request) ?? NOBODY,
  };
}

const NOBODY: Denial = { reason: 'not authenticated' };

function gatewayOptionsOf(
  options: CheckedOptions,
): Pick<GatewayOptions, 'tls' | 'decoy' | 'allowOrigins' | 'trustedProxies'> {
  const { tls, decoy, allowOrigins, trustedProxies } = options;
  return { allowOrigins, trustedProxies, ...(tls && { tls }), ...(decoy !== undefined && { decoy }) };
}

function dialOf({ egress = {}, policy, dialer }: ServerOptions, guard: Guard): DialTarget {
  const { limits } = guard;
  const { upstream, nameservers = [], bindAddresses = [], prefer } = egress;
  return createDial({
    resolver: createResolver({
      lookup: createLookup({ servers: nameservers }),
      timeout: limits.lookupTimeout,
      concurrency: limits.lookups,
      onWait: (user) => guard.hit('lookups', user),
    }),
    dialTimeout: limits.dialTimeout,
    services: new Map<string, (user: User) => Duplex>([
      [THROUGHPUT_HOST, () => new ThroughputService()],
      [ACCOUNT_HOST, (user) => new AccountService(user.id, guard.accounts.quotaOf(user))],
    ]),
    bindAddresses,
    ...(prefer !== undefined && { prefer }),
    ...(upstream !== undefined && { upstream: createUpstream(upstream) }),
    ...(policy !== undefined && { policy }),
    ...(dialer !== undefined && { dialer }),
  });
}
