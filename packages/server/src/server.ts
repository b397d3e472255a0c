import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ListeningAddress } from 'wsproxy-node/dial';
import { OptionError } from 'wsproxy-node/options';
import type { OpenOptions } from './calls/call-desk.js';
import type { InnerListenOptions, NodeDoorOptions } from './cluster/cluster.js';
import type { ClusterTls } from './cluster/cluster-tls.js';
import { type ListenOptions, listenOn, type TcpListenOptions } from './gateway/listen.js';
import type { TlsOptions } from './gateway/tls.js';
import type { Holder } from './listening.js';
import type { ServerObserver } from './observe/observer.js';
import type { ServerOptions } from './options/server-options.js';
import { drain, retire } from './retire.js';
import { ServerParts } from './server-parts.js';
import type { SessionFollower } from './session-news.js';
import type { SessionInfo } from './sessions/session-info.js';
import type { ShareOptions } from './share.js';
import type { SharingFigures } from './store/sharing.js';
import type { Ticket, TicketOptions } from './tickets/tickets.js';
import { checkUser } from './users/check-user.js';
import type { UserEntry } from './users/directory.js';
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
  /** For how long running channels may finish, ms; default 0. Anyone who is away may come back for them meanwhile. */
  readonly drain?: number;
}

/** The far end of the tunnel. */
export class Server {
  readonly #parts: ServerParts;
  /** Where its sessions live, as clients are told: `NODE.UID`, the UID new with each process and server. */
  readonly route: string;
  /** It carries datagrams (UDP): neither its options, nor a way that has none, are against it. */
  readonly hasFlows: boolean;
  #isEmbedded = false;
  #stopping = false;

  constructor(options: ServerOptions) {
    this.#parts = new ServerParts(options, () => this.#expectOpen());
    this.route = this.#parts.route;
    this.hasFlows = this.#parts.hasFlows;
  }

  /** Living sessions, attached or waiting to be resumed. */
  get sessionCount(): number {
    return this.#parts.registry.size;
  }

  /** Living channels of all sessions. */
  get channelCount(): number {
    return this.#parts.registry.channelCount;
  }

  /**
   * Once. Resolves with where it listens; rejects with the system's error (`EADDRINUSE`, `EACCES`) when the address
   * cannot be had, with `SERVER_CLOSED` after `close`.
   */
  listen(options: TcpListenOptions): Promise<AddressInfo>;
  listen(options: ListenOptions): Promise<AddressInfo | undefined>;
  async listen(options: ListenOptions): Promise<AddressInfo | undefined> {
    this.#expectOpen();
    const address = await listenOn(this.#parts.gateway.server, options);
    if (address !== undefined) this.#parts.addresses.push(address);
    return address;
  }

  /**
   * Once. Opens the port of all remote listeners for host names (`http`, `tls`), of which each gets what asks for its name. As
   * `listen`; rejects with an OptionError where no client may listen. Without `options` somebody else listens, and gives what comes to
   * `handleReverseHttpConnection`.
   */
  listenReverseHttp(options: TcpListenOptions): Promise<AddressInfo>;
  listenReverseHttp(options?: ListenOptions): Promise<AddressInfo | undefined>;
  async listenReverseHttp(options?: ListenOptions): Promise<AddressInfo | undefined> {
    if (this.#parts.listening === undefined) throw new OptionError('reverse', 'without it no client may listen');
    const address = await this.#parts.listening.listenNames(options, {
      expectOpen: () => this.#expectOpen(),
      elsewhere: () => this.#parts.membership.namesElsewhere,
    });
    if (address !== undefined) this.#parts.addresses.push(address);
    return address;
  }

  /** As `handleConnection`, of a connection to the port of host names. Never throws; without `listenReverseHttp` it is closed. */
  handleReverseHttpConnection(socket: Socket): void {
    if (this.#parts.listening === undefined) socket.destroy();
    else this.#parts.listening.handleConnection(socket);
  }

  /**
   * Once, before clients come: has a parent hold ports and paths for remote listeners, so that they stay when this process ends.
   * Without `reverse` it does nothing.
   */
  holdBy(holder: Holder): void {
    this.#parts.listening?.holdBy(holder);
  }

  /**
   * Joins this server to others of one cluster, from then on: opens a door for what they hand on to it, since the client was told
   * that its session is here, and hands on to theirs. Once for other nodes, with `tls` and `peers`, and once for the other processes
   * of this node, with `workers`. As `listen`; rejects with an OptionError for what cannot be used.
   */
  listenInner(options: NodeDoorOptions & TcpListenOptions): Promise<AddressInfo>;
  listenInner(options: InnerListenOptions): Promise<AddressInfo | undefined>;
  async listenInner(options: InnerListenOptions): Promise<AddressInfo | undefined> {
    const address = await this.#parts.membership.listen(options);
    if (address !== undefined) this.#parts.addresses.push(address);
    return address;
  }

  /**
   * As `handleConnection`, of a connection that another node has made: one that came to the port which other nodes are told, and
   * which somebody else listens on. Never throws; without `listenInner` it is closed.
   */
  handleInnerConnection(socket: Socket): void {
    this.#parts.membership.handleConnection(socket);
  }

  /**
   * Exchanges what this server proves to the other nodes that it is one of them, also while connections are open: they keep theirs.
   * @throws OptionError that says what is wrong with it; nothing has changed then
   */
  setInnerTls(tls: ClusterTls): void {
    this.#parts.membership.setTls(tls);
  }

  /**
   * Counts sessions, channels, flows, listeners and bytes of the month together with other processes from then on, and ends
   * sessions of those whom others revoke. Once, before clients come. Resolves when the store has answered, or has not within 2 s.
   * Rejects with an OptionError for what cannot be used.
   */
  async share(options: ShareOptions): Promise<void> {
    if (this.#parts.quotaFile !== undefined)
      throw new OptionError('quotaFile', 'with a store that keeps what users carry (cluster)');
    await this.#parts.membership.share(options);
  }

  /** What `share` has led to, for metrics to read. */
  get sharing(): SharingFigures | undefined {
    return this.#parts.membership.sharing;
  }

  /** Connections of clients that are passed on to the process that has their session. */
  get passedOn(): number {
    return this.#parts.membership.passedOn;
  }

  /**
   * Takes an `upgrade` event of an HTTP server of yours, no matter what its path, and answers it: with 101 for anyone who may come
   * in, otherwise as `listen` would. Never throws. No tunnel leads to the port that the request came in on.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#isEmbedded = true;
    const { localPort } = request.socket;
    if (localPort !== undefined && !this.#parts.addresses.some(({ port }) => port === localPort)) {
      this.neverDial({ address: '::', port: localPort });
    }
    this.#parts.gateway.handleUpgrade(request, socket, head);
  }

  /**
   * Takes a connection that somebody else has accepted, and of which no byte was read, as if `listen` had accepted it: such as one
   * that another process sends (`child.send(message, socket)`, `pauseOnConnect`). Never throws. `neverDial` has to be told where
   * that listens.
   */
  handleConnection(socket: Socket): void {
    this.#isEmbedded = true;
    this.#parts.gateway.handleConnection(socket);
  }

  /**
   * Seals session tickets of TLS with `keys`, 48 random bytes: servers that have the same resume each other's TLS sessions.
   * Without TLS it does nothing.
   */
  setTicketKeys(keys: Buffer): void {
    this.#parts.gateway.setTicketKeys(keys);
  }

  /**
   * Exchanges certificate, key and client CA, also while connections are open: they keep theirs.
   * @throws OptionError that says what is wrong with them; nothing has changed then
   */
  setTls(tls: TlsOptions): void {
    this.#parts.gateway.setTls(tls);
  }

  /** New clients are served: it listens, or has been given upgrades, and is not about to stop. */
  get isReady(): boolean {
    return (this.#parts.gateway.server.listening || this.#isEmbedded) && !this.#stopping;
  }

  /** Every living session and its channels, as they are now. */
  sessions(): SessionInfo[] {
    return this.#parts.registry.describe();
  }

  /** Ids of the users that are known beforehand; those whom `authenticate` lets in are not. */
  get userIds(): ReadonlySet<string> {
    return this.#parts.directory?.ids ?? new Set();
  }

  /** When the certificate of `tls` stops counting, or the first of those with it; undefined without. */
  get certificateExpires(): Date | undefined {
    const { certificateExpires } = this.#parts.gateway;
    return certificateExpires === undefined ? undefined : new Date(certificateExpires);
  }

  /** Tells `observer` too what happens from here on. */
  observe(observer: ServerObserver): void {
    this.#parts.observers.add(observer);
  }

  /** Tells `follower` what becomes of sessions in other processes of the cluster (`share`, `listenInner`), from when these are known. */
  followSessions(follower: SessionFollower): void {
    this.#parts.membership.follow(follower);
  }

  /** No tunnel leads to `address`, even where private destinations are allowed: for what listens beside this server. */
  neverDial(address: ListeningAddress): void {
    this.#parts.addresses.push(address);
  }

  /**
   * From now on these are the users, and no others: sessions end at once that came with a token which is gone, or whose user
   * is gone or disabled; new rules count from the next channel on. Also in place of `token`.
   * @throws OptionError that names the user at fault, and changes nothing then
   */
  setUsers(users: readonly UserEntry[]): void {
    if (this.#parts.directory === undefined) throw new OptionError('users', 'the server was made with authenticate');
    const directory = this.#parts.directory;
    const lost = directory.replace(users);
    this.#parts.registry.endAbsent();
    this.#parts.membership.forgive(directory);
    this.#parts.membership.revoke(lost);
  }

  /**
   * Ends every session of a user at once, and returns how many there were: channels are reset, and the client is told
   * that it has lost access, and stops. For those whom `authenticate` lets in no more.
   */
  endSessions(userId: string): number {
    this.#parts.tickets?.endThoseOf(userId);
    this.#parts.membership.revoke([{ user: userId, token: '' }]);
    return this.#parts.registry.endSessionsOf(userId);
  }

  /**
   * Makes a ticket, which lets a user in once, within 30 s (`expiresInMs`), in place of the token: the page at `origin`, or without that
   * a program. Of `user` the id alone counts where the server has `users` or `token`; otherwise it is what `authenticate` would return.
   * Rejects with a TicketError, whose `code` says why there is none, and with an OptionError without `tickets`.
   */
  async createTicket(user: User, options: TicketOptions = {}): Promise<Ticket> {
    if (this.#parts.tickets === undefined) throw new OptionError('tickets', 'the server was made without them');
    if (this.#parts.directory === undefined) checkUser(user, 'user');
    return this.#parts.tickets.create(user, options);
  }

  /**
   * Calls a client of a user: a connection to the `service` that it has registered by `onIncoming`. Of several clients the one that
   * has connected last is asked first. While a client is away, this waits for it. Resolves when a client has taken it; rejects with an
   * OpenError, whose `code` says why.
   */
  open(userId: string, service: string, options: OpenOptions = {}): Promise<Duplex> {
    return this.#parts.calls.open(userId, service, options);
  }

  /**
   * Takes no new sessions, and asks clients to go elsewhere with what is new, as far as they can. Resolves when the last channel
   * is over and the one who had come before has an answer, after `time` ms, or when `close` is called. Until then anyone who has a session
   * here comes back to it.
   */
  retire(time: number): Promise<void> {
    return retire({ ...this.#draining, gateway: this.#parts.gateway }, time);
  }

  /**
   * Takes nothing new, lets running channels finish as long as `drain` says, ends every session, and stops listening.
   * Resolves when the last connection is gone, with the number of channels that did not finish. Called again, it waits
   * for nobody.
   */
  async close({ drain: time = 0 }: CloseOptions = {}): Promise<number> {
    const mayDrain = time > 0 && !this.#stopping;
    this.#stopping = true;
    const unfinished = mayDrain ? await drain(this.#draining, time) : this.channelCount;
    this.#parts.calls.close();
    this.#parts.registry.close();
    this.#parts.guard.close();
    await Promise.all([this.#parts.gateway.close(), this.#parts.listening?.close(), this.#parts.membership.leave()]);
    await Promise.all([this.#parts.quotaFile?.close(), this.#parts.membership.close()]);
    return unfinished;
  }

  get #draining() {
    return { sessions: this.#parts.registry, listening: this.#parts.listening, membership: this.#parts.membership };
  }

  /** As `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #expectOpen(): void {
    if (this.#stopping) throw Object.assign(new Error('the server was closed; make another one'), CLOSED);
  }
}

const CLOSED = { code: 'SERVER_CLOSED' };
