import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { silentLogger, systemClock, systemMemory } from 'wsproxy-engine';
import { createPolicies, type ListeningAddress } from 'wsproxy-node/dial';
import { HttpAcceptor, type TransportAcceptor, WebSocketAcceptor } from 'wsproxy-node/transports';
import { CallDesk } from './calls/call-desk.js';
import { Migration } from './cluster/migration.js';
import { formatRoute, nodeNameOf, randomUid } from './cluster/route.js';
import { directoryOf, doorkeeperOf, gatewayOptionsOf } from './doorkeeper.js';
import { egressOf } from './egress.js';
import { createGateway, type Gateway } from './gateway/gateway.js';
import type { GatewayOptions } from './gateway/gateway-options.js';
import { Guard } from './limits/guard.js';
import { resolveLimits } from './limits/limits.js';
import { QuotaFile } from './limits/quota-file.js';
import { Listening } from './listening.js';
import { Membership } from './membership.js';
import { createAccessLog } from './observe/access-log.js';
import { Observers } from './observe/observer.js';
import { type CheckedOptions, checkServerOptions, rulesOf } from './options/check-server-options.js';
import type { ServerOptions } from './options/server-options.js';
import { SessionRegistry } from './sessions/session-registry.js';
import type { Revoked } from './store/store.js';
import { gatewayTicketsOf } from './tickets/gateway-tickets.js';
import { Tickets } from './tickets/tickets.js';
import type { UserDirectory } from './users/directory.js';
import type { User } from './users/user.js';
import { wispDoorOf } from './wisp-door.js';

/** What a server is made of, each of the parts told of the others that it needs. */
export class ServerParts {
  readonly gateway: Gateway;
  readonly registry: SessionRegistry;
  readonly calls: CallDesk;
  readonly guard: Guard;
  readonly quotaFile: QuotaFile | undefined;
  readonly observers: Observers;
  readonly directory: UserDirectory | undefined;
  /** Where this server listens itself, or what is beside it. */
  readonly addresses: ListeningAddress[] = [];
  /** Where its sessions live, as clients are told: `NODE.UID`, the UID new with each process and server. */
  readonly route: string;
  /** It carries datagrams (UDP): neither its options, nor a way that has none, are against it. */
  readonly hasFlows: boolean;
  /** Undefined where clients may not listen. */
  readonly listening: Listening | undefined;
  readonly membership: Membership;
  /** Undefined where nobody comes in by them. */
  readonly tickets: Tickets | undefined;

  /** `expectOpen` throws once the server is closed. */
  constructor(given: ServerOptions, expectOpen: () => void) {
    const options = checkServerOptions(given);
    const { path, grace, logger = silentLogger, accessLog } = options;
    this.observers = new Observers((error) => logger.error({ err: error }, 'an observer has thrown an error'));
    const observer = this.observers;
    this.route = formatRoute({ node: options.node ?? nodeNameOf(hostname()), uid: randomUid() });
    const limits = resolveLimits(options.limits, options.tickets !== undefined || options.wisp !== undefined);
    const directory = directoryOf(options);
    const guard = new Guard({
      limits,
      clock: systemClock,
      logger,
      onLimit: (limit) => observer.onLimit(limit),
      // Whom `authenticate` may let in nobody knows.
      isShared: () => directory === undefined || directory.ids.size > 1,
    });
    this.guard = guard;
    if (accessLog) observer.add(createAccessLog(guard.lines));
    if (options.observer !== undefined) observer.add(options.observer);
    const { quotaFile } = options;
    if (quotaFile !== undefined)
      this.quotaFile = new QuotaFile({ path: quotaFile, accounts: guard.accounts, clock: systemClock, logger });
    const policies = createPolicies(rulesOf(options), { listening: () => this.addresses });
    this.directory = directory;
    const common = {
      policyOf: (user: User) => policies(user.policy),
      ...{ logger, observer, guard, logTargets: accessLog },
    };
    const egress = egressOf(options, common);
    this.hasFlows = egress.flows !== undefined;
    const exclusives = () => this.membership.exclusives;
    this.listening = options.reverse ? new Listening(options, this.addresses, { ...common, exclusives }) : undefined;
    this.calls = new CallDesk({
      clock: systemClock,
      service: { guard, logger, observer },
      sessionsOf: (user) => this.registry.of(user),
      elsewhere: () => this.membership.openElsewhere,
    });
    this.registry = new SessionRegistry({
      clock: systemClock,
      memory: systemMemory,
      logger,
      ...egress,
      listeners: this.listening?.table,
      calls: this.calls,
      guard,
      maxGrace: grace,
      observer,
      route: this.route,
      migration: new Migration(systemClock, Math.random),
      ...(directory !== undefined && { present: (user) => directory.present(user) }),
    });
    // Of every door, anyone who knocks there.
    const doors = {
      hasRoom: (user: User, request: IncomingMessage) => this.#hasRoom(user, request),
      onTurnedAway: (request: IncomingMessage) => this.membership.sessionPlaces?.take(request)?.release(),
      isFull: (user: User) => this.registry.refuses(user) !== undefined,
      acceptors: acceptorsOf(options, { 'Wsproxy-Route': this.route }),
      onTransport: (...[transport, user, caller, request]: Parameters<GatewayOptions['onTransport']>) => {
        const onClosed = this.registry.onOpen(user);
        const place = this.membership.sessionPlaces?.take(request);
        this.registry.accept(transport, user, caller, place);
        if (place === undefined) return onClosed;
        return () => {
          onClosed();
          place.release();
        };
      },
      ...{ logger, observer, guard },
      limits: { handshakeTimeout: limits.upgradeTimeout, pendingConnections: guard.maxStrangers },
    };
    const shared = () => this.membership.tickets;
    const { tickets, allowOrigins } = options;
    if (tickets !== undefined) this.tickets = new Tickets({ directory, allowOrigins, clock: systemClock, shared });
    this.gateway = createGateway({
      ...doors,
      ...gatewayOptionsOf(options),
      path,
      ...doorkeeperOf(options, directory),
      ...gatewayTicketsOf(this.tickets, tickets),
      ...wispDoorOf(options, { directory, guard, hasFlows: this.hasFlows }),
      handOn: (entrance) => this.membership.handOn(entrance),
    });
    this.membership = new Membership({
      ...{ route: this.route, directory, doors, logger, observer, guard, calls: this.calls },
      onRevoked: (revoked) => this.#onRevoked(revoked),
      observe: (one) => this.observers.add(one),
      names: () => this.listening?.names,
      expectOpen,
    });
    logger.debug({ sockets: guard.maxSockets }, 'sockets that may be open at a time');
  }

  #hasRoom(user: User, request: IncomingMessage): boolean | Promise<boolean> {
    const limit = this.registry.refuses(user);
    if (limit !== undefined) this.guard.hit(limit, user.id, user.limits?.sessions);
    const kept = limit === undefined ? this.membership.sessionPlaces?.keep(user, request) : undefined;
    return kept === undefined ? limit === undefined : kept.then(() => true);
  }

  /** As another process says: first nobody comes in again, then those who are in go. */
  #onRevoked(revoked: Revoked): void {
    if (revoked.token !== '') this.directory?.revoke(revoked);
    else {
      this.tickets?.endThoseOf(revoked.user);
      this.registry.endSessionsOf(revoked.user);
    }
    this.registry.endAbsent();
  }
}

/** `headers`: of each answer that opens a transport. */
function acceptorsOf(
  { httpTransport }: CheckedOptions,
  headers: Readonly<Record<string, string>>,
): TransportAcceptor[] {
  const webSocket = new WebSocketAcceptor(systemMemory, headers);
  if (!httpTransport) return [webSocket];
  return [webSocket, new HttpAcceptor({ memory: systemMemory, clock: systemClock, headers })];
}
