import type { AddressInfo } from 'node:net';
import { type Logger, silentLogger, systemClock, WebSocketTransport } from 'wsproxy-protocol';
import { createAccessLog } from './access-log.js';
import { createChannelHandler } from './channel-handler.js';
import type { DestinationRules } from './destination-rules.js';
import { createDialer, type Dialer } from './dialer.js';
import { checkEgress, createUpstream, type EgressOptions } from './egress.js';
import { createFront, type Front } from './front.js';
import { type ListenOptions, listenOn, type TcpListenOptions } from './front-listen.js';
import type { TlsOptions } from './front-tls.js';
import { Guard } from './limits/guard.js';
import { type LimitOptions, resolveLimits } from './limits/limits.js';
import { createLookup } from './lookup.js';
import { Observers, type ServerObserver } from './observer.js';
import { createPolicies, type ListeningAddress } from './policy.js';
import { createResolver } from './resolver.js';
import type { SessionInfo } from './session-info.js';
import { SessionRegistry } from './session-registry.js';
import { soleUser, UserDirectory, type UserEntry } from './users/directory.js';

/** The rules are for users without rules of their own. Default: public addresses, every port but 25. */
export interface ServerOptions extends DestinationRules {
  /** What clients must present, when there is one user (`default`): 32 characters or more. */
  readonly token?: string;
  /** The users, in place of `token`. */
  readonly users?: readonly UserEntry[];
  /** The one path that is served; default `/`. */
  readonly path?: string;
  /** How long a detached session is kept at most, ms; default 120 000. */
  readonly grace?: number;
  /** By which way destinations are reached; default directly, with the names of the system. */
  readonly egress?: EgressOptions;
  /** TLS without a reverse proxy, 1.2 at least; default none. */
  readonly tls?: TlsOptions;
  /**
   * Folder of static files for whoever may not come in, on every path: a wrong token is then answered like a wrong
   * path, by a file or 404. Default none: a wrong token gets 401, a wrong path 404.
   */
  readonly decoy?: string;
  /** Pages whose scripts may connect, such as `https://example.org`; default none. */
  readonly allowOrigins?: readonly string[];
  /** Whose X-Forwarded-For is believed for logs: addresses, CIDR ranges, or `unix` for Unix sockets; default nobody's. */
  readonly trustedProxies?: readonly string[];
  /** Bounds, by default those of `LIMITS`, which has their units and ranges as well. */
  readonly limits?: LimitOptions;
  /** Default: silent. */
  readonly logger?: Logger;
  /**
   * Logs one line for each channel when it is over. Without it no line of the log says what users connect to. Default
   * true.
   */
  readonly accessLog?: boolean;
  /** Is told what happens, for logs and figures of your own. */
  readonly observer?: ServerObserver;
}

const DEFAULT_GRACE = 120_000;

/** The far end of the tunnel. */
export class Server {
  readonly #front: Front;
  readonly #registry: SessionRegistry;
  readonly #observers = new Observers();
  readonly #directory: UserDirectory;
  readonly #listening: ListeningAddress[] = [];
  #stopping = false;

  /** Throws a TypeError or RangeError when users, token, rules, egress or a limit cannot be used. */
  constructor(options: ServerOptions) {
    const { path = '/', grace = DEFAULT_GRACE, logger = silentLogger } = options;
    const observer = this.#observers;
    const { accessLog = true } = options;
    if (accessLog) observer.add(createAccessLog(logger));
    if (options.observer !== undefined) observer.add(options.observer);
    const policies = createPolicies(rulesOf(options), { listening: () => this.#listening });
    const limits = resolveLimits(options.limits);
    const guard = new Guard({ limits, clock: systemClock, logger, onLimit: (limit) => observer.onLimit(limit) });
    const dialer = dialerOf(options.egress ?? {}, guard);
    this.#directory = new UserDirectory(usersOf(options));
    this.#registry = new SessionRegistry({
      clock: systemClock,
      logger,
      onChannel: createChannelHandler(dialer, (user) => policies(user.policy), logger, {
        observer,
        logTargets: accessLog,
        guard,
      }),
      guard,
      maxGrace: grace,
      observer,
      present: (user) => this.#directory.present(user),
    });
    this.#front = createFront({
      path,
      authenticate: this.#directory.authenticate,
      hasRoom: (user) => {
        const limit = this.#registry.refuses(user);
        if (limit === undefined) return true;
        guard.hit(limit, user.id, user.limits?.sessions);
        return false;
      },
      onWebSocket: (webSocket, user, request, remoteAddress) => {
        this.#registry.accept(new WebSocketTransport(webSocket, request.socket), user, remoteAddress);
      },
      logger,
      observer,
      ...(options.tls && { tls: options.tls }),
      ...(options.decoy !== undefined && { decoy: options.decoy }),
      allowOrigins: options.allowOrigins ?? [],
      trustedProxies: options.trustedProxies ?? [],
      guard,
      limits: { handshakeTimeout: limits.upgradeTimeout, pendingConnections: limits.unauthenticated },
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

  /** Once. Resolves with where it listens; rejects with the system's error when the address cannot be had. */
  listen(options: TcpListenOptions): Promise<AddressInfo>;
  listen(options: ListenOptions): Promise<AddressInfo | undefined>;
  async listen(options: ListenOptions): Promise<AddressInfo | undefined> {
    const address = await listenOn(this.#front.server, options);
    if (address !== undefined) this.#listening.push(address);
    return address;
  }

  /**
   * Exchanges certificate, key and client CA, also while connections are open: they keep theirs.
   * @throws TypeError that says what is wrong with them; nothing has changed then
   */
  setTls(tls: TlsOptions): void {
    this.#front.setTls(tls);
  }

  /** New clients are served: it listens, and is not about to stop. */
  get isReady(): boolean {
    return this.#front.server.listening && !this.#stopping;
  }

  /** Every living session and its channels, as they are now. */
  sessions(): SessionInfo[] {
    return this.#registry.describe();
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
   * From now on these are the users, and no others: sessions of those who are gone, disabled, or have another token end
   * at once; new rules count from the next channel on. Throws a TypeError that names the user at fault, and changes
   * nothing then.
   */
  setUsers(users: readonly UserEntry[]): void {
    this.#directory.replace(users);
    this.#registry.endAbsent();
  }

  /**
   * Takes no more channels, and lets those there are finish, for `deadline` ms at most; detached sessions can still be
   * resumed meanwhile. Resolves with the number of channels that did not finish.
   */
  drain(deadline: number): Promise<number> {
    this.#stopping = true;
    return this.#registry.drain(deadline);
  }

  /** Stops listening, ends every session; resolves when the last connection is gone. */
  async close(): Promise<void> {
    this.#stopping = true;
    this.#registry.close();
    await this.#front.close();
  }
}

function rulesOf({ allow = [], deny = [], allowPrivate = false, allowPorts = [] }: DestinationRules): DestinationRules {
  return { allow, deny, allowPrivate, allowPorts };
}

function usersOf({ token, users }: ServerOptions): readonly UserEntry[] {
  if ((token === undefined) === (users === undefined)) throw new TypeError('give either a token or users');
  return users ?? [soleUser(token ?? '')];
}

function dialerOf(egress: EgressOptions, guard: Guard): Dialer {
  const mistakes = checkEgress(egress);
  if (mistakes.length > 0) throw new TypeError(mistakes.join('\n'));
  const { limits } = guard;
  const { upstream, nameservers = [], bindAddresses = [], prefer } = egress;
  return createDialer({
    resolver: createResolver({
      lookup: createLookup({ servers: nameservers }),
      timeout: limits.lookupTimeout,
      concurrency: limits.lookups,
      onWait: (user) => guard.hit('lookups', user),
    }),
    dialTimeout: limits.dialTimeout,
    bindAddresses,
    ...(prefer !== undefined && { prefer }),
    ...(upstream !== undefined && { upstream: createUpstream(upstream) }),
  });
}
