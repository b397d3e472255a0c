import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Peer, parseName, systemClock, type Timer, TunnelError } from 'wsproxy-engine';
import { KEEPALIVE_DELAY } from 'wsproxy-node/sockets';
import { peerOf } from 'wsproxy-node/targets';
import { type ClientHello, ClientHelloReader, HANDSHAKE, TlsError } from 'wsproxy-node/tls-hello';
import { Door } from '../gateway/door.js';
import { type ListenOptions, listenOn } from '../gateway/listen.js';
import type { Found, Guard } from '../limits/guard.js';
import type { Exclusives } from '../store/exclusives.js';
import { patternsOf } from './host-name.js';
import { NameDirectory, type NameKind } from './name-directory.js';
import { NAME_LIMITS, type NameLimits } from './name-limits.js';
import type { NameOwner } from './name-owner.js';
import { NameRequests } from './name-requests.js';
import type { OtherNames } from './names-elsewhere.js';
import { keyOfName, SharedNames } from './shared-names.js';

/**
 * One port for many names. The first byte of a connection tells HTTP from TLS. Each request over HTTP goes to the holder of the
 * name in its Host. TLS goes as it is to the holder of the name that it asks for.
 */
export class NamePort {
  readonly #options: NamePortOptions;
  readonly #limits: NameLimits;
  readonly #directory = new NameDirectory<NameHolder>();
  readonly #shared: SharedNames;
  readonly #server: Server;
  readonly #door: Door;
  readonly #requests: NameRequests;
  readonly #open = new Set<Socket>();
  /** Kept for one more request. */
  readonly #idle = new Set<Socket>();
  /** With a request, or passed on. */
  readonly #busy = new Set<Socket>();
  /** Told when none is busy any more. */
  #onQuiet: (() => void) | undefined;
  #isLeaving = false;
  #dismissal: Timer | undefined;

  constructor(options: NamePortOptions) {
    const { guard, isTrusted, places, limits: given } = options;
    const { upgradeTimeout } = guard.limits;
    const helloTime = Math.min(NAME_LIMITS.helloTime, upgradeTimeout);
    const limits = { ...NAME_LIMITS, headTime: upgradeTimeout, helloTime, ...given };
    this.#options = options;
    this.#limits = limits;
    this.#shared = new SharedNames(options.exclusives, systemClock);
    this.#door = new Door({
      places,
      time: limits.headTime,
      takeSocket: (socket) => guard.takeStranger(socket),
      onLate: () => {
        guard.hit('upgradeTimeout');
        return false;
      },
      onCrowded: () => guard.hit('unauthenticated'),
    });
    this.#requests = new NameRequests({
      ...{ find: (name) => this.ownerOf('http', name), limits, isTrusted },
      onBusy: (socket) => {
        this.#door.leave(socket);
        this.#setBusy(socket);
      },
      onIdle: (socket, time) => this.#onIdle(socket, time),
    });
    const server = createServer({
      ...{ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_DELAY },
    });
    server.on('connection', (socket) => this.#onConnection(socket));
    this.#server = server;
  }

  /** Has `owner` hold a canonical name, `*.` and a name, or `*`. Rejects with TunnelError when another user has it, or it is held already. */
  async hold(kind: NameKind, host: string, owner: NameHolder): Promise<HeldName> {
    const share = await this.#shared.hold(host, () => owner.onLost());
    const giveBack = this.#directory.hold(kind, host, owner);
    if (giveBack === undefined) {
      share();
      throw new TunnelError('ADDRESS_IN_USE', 'the name is held by another listener');
    }
    // Anyone who looks for it here need not wait until the store tells.
    const tell = (): void => this.#options.elsewhere()?.onNews([keyOfName(host)]);
    tell();
    const close = (): void => {
      giveBack();
      tell();
      share();
      this.#requests.onOver(owner);
    };
    return { address: { host, port: 0 }, onMoved: () => this.#requests.onMoved(owner), close };
  }

  /** Who takes here what comes for a canonical name. */
  ownerHere(kind: NameKind, name: string): NameOwner | undefined {
    return this.#directory.find(kind, name);
  }

  /**
   * The same in any process: anyone who holds the closest pattern. Where it is not known who that is, nobody: a wildcard that is held here
   * must not cover what somebody else holds.
   */
  ownerOf(kind: NameKind, name: string): Found<NameOwner> {
    const elsewhere = this.#options.elsewhere();
    if (elsewhere === undefined || this.#directory.closest(name) === name) return this.ownerHere(kind, name);
    const patterns = patternsOf(name);
    return elsewhere
      .find(kind, name, () => this.#directory.closest(name))
      .then((found) => {
        if (found === 'unknown') return undefined;
        // It may have come here meanwhile.
        const closest = this.#directory.closest(name);
        const isCloser = (pattern: string): boolean =>
          closest === undefined || patterns.indexOf(pattern) < patterns.indexOf(closest);
        return found !== 'nobody' && isCloser(found.pattern) ? found.owner : this.ownerHere(kind, name);
      });
  }

  /** Once. Resolves with where it listens, if that is TCP; rejects with the system's error. */
  listen(options: ListenOptions): Promise<AddressInfo | undefined> {
    return listenOn(this.#server, options);
  }

  /** Takes a connection that somebody else has accepted, and of which no byte was read. */
  handleConnection(socket: Socket): void {
    // As if Node had accepted it here.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_DELAY);
    this.#onConnection(socket);
    if (socket.isPaused()) socket.resume();
  }

  /**
   * Resolves when the one who has come has the whole answer, or after `time` ms, or when this is closed: no session here need have a part in
   * it. From now on each answer ends its connection; anyone who was told before that it is kept has `patience` ms for one more request, which
   * may be on its way.
   */
  async settled(time: number, patience: number = 0): Promise<void> {
    const deadline = systemClock.now() + time;
    this.#requests.keepNone();
    if (patience > 0) this.#dismissal = systemClock.setTimer(() => this.#dismissIdle(), patience);
    else this.#dismissIdle();
    await this.#door.settled(Math.min(time, this.#limits.headTime));
    if (this.#busy.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = systemClock.setTimer(resolve, Math.max(0, deadline - systemClock.now()));
      this.#onQuiet = () => {
        timer.cancel();
        resolve();
      };
    });
    if (this.#idle.size > 0) await this.#door.settled(Math.max(0, Math.min(patience, deadline - systemClock.now())));
  }

  /** Takes nothing any more, and ends every connection but those that its owners have. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#door.close();
    for (const socket of this.#open) socket.destroy();
    this.#dismissal?.cancel();
    this.#busy.clear();
    this.#onQuiet?.();
    await closed;
  }

  #leaveBusy(socket: Socket): void {
    this.#busy.delete(socket);
    if (this.#busy.size === 0) this.#onQuiet?.();
  }

  #dismissIdle(): void {
    this.#isLeaving = true;
    for (const socket of this.#idle) socket.destroy();
  }

  #setBusy(socket: Socket): void {
    this.#idle.delete(socket);
    this.#busy.add(socket);
  }

  /** It has the whole answer. */
  #onIdle(socket: Socket, time: number): void {
    if (this.#isLeaving) return socket.destroySoon();
    this.#idle.add(socket);
    this.#door.admit(socket, time);
    this.#leaveBusy(socket);
  }

  #onConnection(socket: Socket): void {
    // 'close' follows.
    socket.on('error', () => {});
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#idle.delete(socket);
      this.#leaveBusy(socket);
    });
    this.#door.admit(socket);
    if (socket.destroyed) return;
    const onEnd = (): void => void socket.destroy();
    socket.once('end', onEnd);
    socket.once('data', (first: Buffer) => {
      socket.pause().off('end', onEnd);
      if (first[0] === HANDSHAKE) return this.#readHello(socket, first);
      socket.unshift(first);
      this.#requests.take(socket);
      socket.resume();
    });
  }

  #readHello(socket: Socket, first: Buffer): void {
    const reader = new ClientHelloReader();
    const chunks: Buffer[] = [];
    const onEnd = (): void => void socket.destroy();
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      try {
        const hello = reader.read(chunk);
        if (hello === undefined) return void socket.resume();
        socket.pause().off('end', onEnd).off('data', onData);
        this.#onHello(socket, hello, Buffer.concat(chunks));
      } catch (error) {
        if (!(error instanceof TlsError)) throw error;
        refuseHello(socket.off('data', onData), error);
      }
    };
    this.#door.setTime(socket, this.#limits.helloTime);
    socket.on('data', onData).once('end', onEnd);
    onData(first);
  }

  /** Also when a name is looked up elsewhere. */
  #onHello(socket: Socket, { serverName = '' }: ClientHello, bytes: Buffer): void {
    const name = parseName(serverName);
    const found = name === undefined ? undefined : this.ownerOf('tls', name);
    const goOn = (owner: NameOwner | undefined): void => {
      if (socket.destroyed) return;
      // This port has no certificate that would be right.
      if (name === undefined || owner === undefined) refuseHello(socket, new TlsError('unrecognized_name'));
      else this.#passOn(socket, owner, name, bytes);
    };
    if (found instanceof Promise) void found.then(goOn);
    else goOn(found);
  }

  #passOn(socket: Socket, owner: NameOwner, name: string, bytes: Buffer): void {
    this.#door.leave(socket);
    this.#open.delete(socket);
    this.#setBusy(socket);
    // Anyone who has it here counts it.
    if (owner.isElsewhere !== true) this.#options.guard.leaveStranger(socket);
    socket.unshift(bytes);
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    owner.arrive({ peer: peerOf(remoteAddress, remotePort), local: peerOf(localAddress, localPort), name }, socket);
  }
}

function refuseHello(socket: Socket, { record }: TlsError): void {
  socket.once('finish', () => socket.destroy());
  socket.end(record);
}

interface NameHolder extends NameOwner {
  readonly userId: string;
  /** Another process holds it from now on. */
  onLost(): void;
}

interface HeldName {
  readonly address: Peer;
  /** Another client of the same user has it from now on. */
  onMoved(): void;
  close(): void;
}

export interface NamePortOptions {
  readonly guard: Pick<Guard, 'hit' | 'takeStranger' | 'leaveStranger' | 'limits'>;
  /** Whether the peer of a connection may say for whom it is (X-Forwarded-For). */
  readonly isTrusted: (address: string | undefined) => boolean;
  /** For connections without a request, idle ones among them. */
  readonly places: number;
  /** By which processes share names; undefined while there are no others. */
  readonly exclusives: () => Exclusives | undefined;
  /** Where other processes hold names; undefined while there are none. */
  readonly elsewhere: () => OtherNames | undefined;
  /** In place of what the guard says, and `NAME_LIMITS`; for tests. */
  readonly limits?: Partial<NameLimits>;
}
