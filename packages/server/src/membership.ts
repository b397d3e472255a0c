import type { AddressInfo, Socket } from 'node:net';
import { type Channel, type Logger, systemClock, systemMemory } from 'wsproxy-engine';
import { OptionError } from 'wsproxy-node/options';
import { ChannelStream } from 'wsproxy-node/relay';
import type { CallDesk, OpenElsewhere } from './calls/call-desk.js';
import type { Cluster, ClusterOptions, InnerListenOptions } from './cluster/cluster.js';
import type { ClusterTls } from './cluster/cluster-tls.js';
import type { Errand } from './cluster/errand.js';
import type { AskedErrand } from './cluster/errand-desk.js';

import { nodeAt } from './cluster/peers.js';
import { formatRoute, parseRoute, type Route } from './cluster/route.js';
import type { Entrance, HandedOn } from './gateway/handing-on.js';
import type { Guard } from './limits/guard.js';
import { SharedPlaces } from './limits/shared-places.js';
import type { NamePort } from './names/name-port.js';
import type { NamesElsewhere, OtherNames } from './names/names-elsewhere.js';
import type { ServerObserver } from './observe/observer.js';
import { type SessionFollower, SessionNews } from './session-news.js';
import { SessionPlaces } from './sessions/session-places.js';
import type { ShareOptions } from './share.js';
import type { Exclusives } from './store/exclusives.js';
import type { Sharing, SharingFigures } from './store/sharing.js';
import type { KnownProcess, Revoked, TicketKeeper } from './store/store.js';
import type { UserDirectory } from './users/directory.js';

/**
 * A server as one of several processes: what they hand on to each other, and what they share. Nothing of either is loaded before it is
 * asked for, since most servers are alone.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #uid: string | undefined;
  #cluster: Cluster | undefined;
  #sharing: Sharing | undefined;
  #sessionPlaces: SessionPlaces | undefined;
  readonly #news: SessionNews;
  #isTelling = false;
  #names: NamesElsewhere<Route> | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#uid = parseRoute(options.route)?.uid;
    this.#news = new SessionNews({
      ask: (route) => this.#send(route, { kind: 'sessions' }),
      onFollowed: () => this.#tellSessions(),
      onChange: (user) => options.calls.onChange(user),
    });
  }

  /** What `share` has led to, for metrics to read. */
  get sharing(): SharingFigures | undefined {
    return this.#sharing?.figures;
  }

  /** Where sessions are counted together with other processes. */
  get sessionPlaces(): SessionPlaces | undefined {
    return this.#sessionPlaces;
  }

  /** What only one process has at a time; undefined while there are no others. */
  get exclusives(): Exclusives | undefined {
    return this.#sharing?.exclusives;
  }

  /** Tickets that other processes may spend as well; undefined while there are no others. */
  get tickets(): TicketKeeper | undefined {
    return this.#sharing?.tickets;
  }

  /** Connections of clients that are passed on to the process that has their session. */
  get passedOn(): number {
    return this.#cluster?.passedOn ?? 0;
  }

  /** What came in by a public door. */
  handOn(entrance: Entrance): HandedOn | Promise<HandedOn> {
    return this.#cluster?.handOn(entrance) ?? 'here';
  }

  /** As `Server.listenInner`. */
  async listen(options: InnerListenOptions): Promise<AddressInfo | undefined> {
    const { Cluster } = await import('./cluster/cluster.js');
    this.#options.expectOpen();
    const findNode = (node: string) => nodeAt(this.#sharing?.addressOf(node));
    const serveErrand = (asked: AskedErrand) => void this.#serve(asked);
    this.#cluster ??= new Cluster({
      ...this.#options,
      findNode,
      serveErrand,
      clock: systemClock,
      memory: systemMemory,
    });
    return this.#cluster.listen(options);
  }

  /** As `Server.handleInnerConnection`. */
  handleConnection(socket: Socket): void {
    if (this.#cluster === undefined) socket.destroy();
    else this.#cluster.handleConnection(socket);
  }

  /** As `Server.setInnerTls`. */
  setTls(tls: ClusterTls): void {
    if (this.#cluster === undefined) throw new OptionError('clusterCert', 'there is no door for other nodes');
    this.#cluster.setTls(tls);
  }

  /** As `Server.share`. */
  async share(options: ShareOptions): Promise<void> {
    if (this.#sharing !== undefined) throw new OptionError('cluster', 'there is a store already');
    const [{ openSharing }, { namesOfOthers }] = await Promise.all([
      import('./share.js'),
      import('./names-of-others.js'),
    ]);
    const { route, logger, onRevoked, guard } = this.#options;
    const sharing = await openSharing(options, { route, logger, onRevoked });
    this.#sharing = sharing;
    guard.accounts.share(new SharedPlaces(sharing.places, sharing.spending));
    this.#sessionPlaces = new SessionPlaces(guard.accounts);
    sharing.onProcesses((processes) => this.#news.onProcesses(this.#routesOf(processes)));
    const names = namesOfOthers({
      ...{ clock: systemClock, backlog: guard.limits.listenBacklog },
      find: (key) => this.#others(key),
      send: (...errand) => this.#send(...errand),
      ownerOf: (...name) => this.#options.names()?.ownerOf(...name),
    });
    sharing.watch((keys) => names.onNews(keys));
    this.#names = names;
    await sharing.begin();
  }

  /** Calls a client of a user who may have a session in another process; undefined while there is none. */
  get openElsewhere(): OpenElsewhere | undefined {
    const cluster = this.#cluster;
    if (cluster === undefined || this.#sharing === undefined) return undefined;
    return async (wish, signal) => {
      // While the store does not answer nobody knows: it is asked again.
      const others = await this.#others(`sessions/${wish.user}`).catch(() => undefined);
      if (others === undefined) return 'away';
      if (others.length === 0) return 'nobody';
      const { callElsewhere } = await import('./calls-elsewhere.js');
      return callElsewhere(wish, others, cluster.errands, signal);
    };
  }

  /** The host names that other processes hold; undefined while there are none. */
  get namesElsewhere(): OtherNames | undefined {
    return this.#cluster && this.#names;
  }

  /** Tells `follower` of sessions in other processes, from when this process knows them. */
  follow(follower: SessionFollower): void {
    this.#news.follow(follower);
  }

  /** The other processes that hold places of `key`. */
  async #others(key: string): Promise<Route[]> {
    return this.#routesOf((await this.#sharing?.find(key)) ?? []);
  }

  /** The ways to those that are not this one. Anyone who writes into the store may write anything. */
  #routesOf(processes: readonly KnownProcess[]): Route[] {
    const routes = processes.flatMap((process) => parseRoute(formatRoute(process)) ?? []);
    return routes.filter(({ uid }) => uid !== this.#uid);
  }

  /** Does what another process asks for. */
  async #serve(asked: AskedErrand): Promise<void> {
    const { errand } = asked;
    if (errand.kind === 'sessions') return this.#news.serve(asked);
    if (errand.kind === 'name') {
      const { serveName } = await import('./names-of-others.js');
      return serveName(errand, asked, this.#options.names());
    }
    const { serveCall } = await import('./calls-elsewhere.js');
    return serveCall(errand, asked, this.#options.calls);
  }

  /** From now on other processes hear of the sessions here. */
  #tellSessions(): void {
    if (!this.#isTelling) this.#options.observe({ onSession: (...news) => this.#news.tell(...news) });
    this.#isTelling = true;
  }

  /** Has another process do an errand; resolves with what it carries. */
  async #send(route: Route, errand: Errand, signal?: AbortSignal): Promise<ChannelStream> {
    if (this.#cluster === undefined) throw new Error('there is no way to other processes');
    const toStream = (channel: Channel) => new ChannelStream(channel, { allowHalfOpen: true });
    return this.#cluster.errands.send(route, errand, toStream, signal);
  }

  /** These have lost access, as this process knows: the others hear of it. */
  revoke(lost: readonly Revoked[]): void {
    void this.#sharing?.revoke(lost);
  }

  /** Users have changed: those whom `directory` knows may come in again, no matter what was revoked. */
  forgive(directory: UserDirectory): void {
    this.#sharing?.forgive((revoked) => directory.knows(revoked));
  }

  /** Resolves when other processes have all of what they have asked for here, or after `time` ms, or when this leaves. */
  async settled(time: number): Promise<void> {
    await this.#cluster?.settled(time);
  }

  /** Cuts what is passed on. Resolves when the last connection is gone. */
  async leave(): Promise<void> {
    await this.#cluster?.close();
  }

  /** Shares nothing any more, once all that was counted is over. */
  async close(): Promise<void> {
    await this.#sharing?.close();
  }
}

export interface MembershipOptions extends Pick<ClusterOptions, 'directory' | 'doors' | 'observer'> {
  readonly route: string;
  readonly logger: Logger;
  readonly guard: Guard;
  readonly calls: Pick<CallDesk, 'openHere' | 'onChange'>;
  /** The port of host names here. */
  readonly names: () => Pick<NamePort, 'ownerHere' | 'ownerOf'> | undefined;
  /** Has an observer told of what happens in this server. */
  readonly observe: (observer: ServerObserver) => void;
  /** As another process says. */
  readonly onRevoked: (revoked: Revoked) => void;
  /** Throws once the server is closed. */
  readonly expectOpen: () => void;
}
