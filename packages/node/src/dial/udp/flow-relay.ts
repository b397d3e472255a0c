import { isIP } from 'node:net';
import { type Clock, type Flow, type FlowSink, type Peer, parseHost, type Target, TunnelError } from 'wsproxy-engine';
import { DNS_IDLE, DNS_PORT } from '../../sockets/udp-idle.js';
import type { AllowedAddresses, JudgedTask } from '../allowed-addresses.js';
import type { Policy } from '../policy.js';
import { GivingUp } from '../race/giving-up.js';
import { FlowCounts } from './flow-counts.js';
import { type Destination, FlowDestinations, type UdpFilter } from './flow-destinations.js';
import { FlowSocket, type FlowSocketHandler, familyOf } from './flow-socket.js';
import type { FlowTask } from './flow-task.js';
import { PinnedNames } from './pinned-names.js';

/**
 * Joins one flow and its UDP sockets, until the flow is over: the sockets stay while transports come and go, so that
 * destinations see one port. Every destination is judged before anything is sent there, and again when the rules change;
 * its name leads to one address as long as it is used. Datagrams cannot be held up: what may not pass is dropped, and counted.
 */
export class FlowRelay implements FlowSink, FlowSocketHandler {
  readonly counts: FlowCounts = new FlowCounts();
  readonly #flow: Flow;
  /** The one peer, if there is one. */
  readonly #target: Target | undefined;
  readonly #task: FlowTask;
  readonly #way: FlowWay;
  readonly #destinations: FlowDestinations;
  readonly #names: PinnedNames;
  readonly #over = new GivingUp();
  /** By family. */
  readonly #sockets = new Map<4 | 6, FlowSocket>();
  /** When a datagram has passed last, either way. */
  #lastPassed: number;
  #isOnlyDns = true;
  /** By which it was judged what is open. */
  #rules: Policy | undefined;
  /** Of a flow with one peer: until that is known to be reached, or not. */
  #onReached: ((failure: TunnelError | undefined) => void) | undefined;

  constructor(flow: Flow, task: FlowTask, way: FlowWay) {
    this.#flow = flow;
    this.#target = task.target ?? flow.target;
    this.#task = task;
    this.#way = way;
    this.#lastPassed = way.clock.now();
    this.#rules = task.rules();
    this.#destinations = new FlowDestinations(way.filter, way.idleTime, (destination) =>
      this.#onForgotten(destination),
    );
    this.#names = new PinnedNames((name) => way.allowed.lookUp(name, { user: task.user, signal: this.#over }));
    flow.start(this);
    flow.onOver(() => this.#onOver());
  }

  /** Where the one peer of the flow is, once it may be sent to; rejects with TunnelError. Undefined at once for any peer. */
  async reach(): Promise<string | undefined> {
    const target = this.#target;
    if (target === undefined) return undefined;
    const now = this.#way.clock.now();
    const failure = await new Promise<TunnelError | undefined>((resolve) => {
      this.#onReached = resolve;
      // Something may have been sent there already.
      const destination = this.#destinationOf(target, now);
      if (destination === undefined) resolve(new TunnelError('LIMIT_REACHED', 'too many new destinations'));
      else if (destination.waiting === undefined) resolve(destination.failure);
    });
    this.#onReached = undefined;
    if (failure !== undefined) throw failure;
    return this.#destinations.find(target)?.address;
  }

  onDatagram(data: Uint8Array, to: Peer | undefined = this.#target): void {
    if (to === undefined) return;
    const now = this.#way.clock.now();
    const destination = this.#destinationOf(to, now);
    if (destination === undefined) return this.counts.drop('destinations');
    if (destination.waiting === undefined && destination.closedUntil <= now) this.#judgeAgain(destination);
    if (destination.waiting !== undefined) this.#wait(destination, data);
    else if (destination.closedUntil > now) this.counts.drop('denied');
    else this.#send(destination, data, now);
  }

  onMessage(data: Buffer, address: string, port: number): void {
    const { room } = this.#task;
    const now = this.#way.clock.now();
    room.onReceived(now);
    const from = this.#destinations.senderAt(address, port, now);
    if (from === undefined) return this.counts.drop('unasked');
    if (!room.mayPass('down', data.length)) return this.counts.drop('rate');
    this.#lastPassed = now;
    this.counts.passed('down', data.length);
    this.#flow.send(data, this.#target === undefined ? from : undefined);
  }

  onUnsent(error: NodeJS.ErrnoException): void {
    this.counts.drop('unsent');
    this.onIcmp(error);
  }

  /** The one peer has refused: that is news only to the one who has never heard of it. */
  onIcmp({ code }: NodeJS.ErrnoException): void {
    const isRefusal = code === 'ECONNREFUSED' && this.#target !== undefined;
    if (isRefusal && this.counts.datagramsDown === 0) this.#flow.close('CONNECTION_REFUSED');
  }

  /** Now and then: what is not used is forgotten, and a flow that nothing passes is ended. */
  look(now: number): void {
    // Nothing can pass: that is nobody's silence.
    if (this.#task.isAway()) this.#lastPassed = now;
    if (this.#target === undefined) this.#destinations.tidy(now);
    // Also those that only answer.
    if (this.#rules !== this.#task.rules()) {
      this.#rules = this.#task.rules();
      for (const destination of this.#destinations.pinned()) this.#judgeAgain(destination);
    }
    const { idleTime } = this.#way;
    const limit = this.#isOnlyDns && this.#destinations.size > 0 ? Math.min(idleTime, DNS_IDLE) : idleTime;
    if (now - this.#lastPassed >= limit) this.#flow.close('TIMED_OUT');
  }

  /** The rules have changed: what it was resolved to stays. */
  #judgeAgain(destination: Destination): void {
    if (destination.judgedBy === this.#task.rules()) return;
    this.#judge(destination, destination.address === undefined ? [] : [destination.address]);
  }

  /** Undefined when there are too many new ones. */
  #destinationOf(peer: Peer, now: number): Destination | undefined {
    const known = this.#destinations.find(peer);
    if (known === undefined) return this.#begin(peer, now);
    if (known.closedUntil === 0 || known.closedUntil > now) return known;
    this.#destinations.forget(known);
    return this.#begin(peer, now);
  }

  #begin(peer: Peer, now: number): Destination | undefined {
    if (!this.#task.room.takeDestination(now)) return undefined;
    const destination = this.#destinations.add(peer, now);
    this.counts.destinations += 1;
    if (peer.port !== DNS_PORT) this.#isOnlyDns = false;
    const host = parseHost(peer.host);
    if (host !== peer.host) this.#close(destination, new TunnelError('BAD_TARGET'));
    else if (isIP(host) !== 0) this.#judge(destination, [host]);
    else {
      destination.name = this.#names.take(host);
      destination.waiting = [];
      destination.name.addresses.then(
        (found) => destination.isForgotten || this.#judge(destination, found),
        (error: unknown) => this.#close(destination, error),
      );
    }
    return destination;
  }

  /** Whether it may be sent to at one of the addresses that its name leads to, by the rules of now. */
  #judge(destination: Destination, found: readonly string[]): void {
    const { user } = this.#task;
    const rules = this.#task.rules();
    const task: JudgedTask = { target: destination.peer, user, rules, protocol: 'udp' };
    destination.judgedBy = rules;
    try {
      const allowed = this.#way.allowed.judge(task, found);
      if (!(allowed instanceof Promise)) return this.#open(destination, allowed);
      destination.waiting ??= [];
      allowed.then(
        (addresses) => destination.isForgotten || this.#open(destination, addresses),
        (error: unknown) => this.#close(destination, error),
      );
    } catch (error) {
      this.#close(destination, error);
    }
  }

  /** At the first of these addresses that the system has a socket for. */
  #open(destination: Destination, addresses: readonly string[]): void {
    let failure: unknown;
    for (const address of addresses) {
      if (!this.#way.mayLeaveTo(address)) continue;
      try {
        this.#openSocket(address, destination.peer.port);
        return this.#reached(destination, address);
      } catch (error) {
        failure = error;
      }
    }
    const nowhere = `no address to send to ${addresses.join(', ')} from`;
    this.#close(destination, failure ?? new TunnelError('NETWORK_UNREACHABLE', nowhere));
  }

  #reached(destination: Destination, address: string): void {
    this.#destinations.pin(destination, address);
    this.#onReached?.(undefined);
    const now = this.#way.clock.now();
    for (const data of this.#takeWaiting(destination)) this.#send(destination, data, now);
  }

  /** It may not be sent to, or cannot be; for some seconds nobody asks again. */
  #close(destination: Destination, error: unknown): void {
    if (destination.isForgotten) return;
    const failure = error instanceof TunnelError ? error : new TunnelError('INTERNAL', String(error), { cause: error });
    destination.failure = failure;
    destination.closedUntil = this.#way.clock.now() + CLOSED_TIME;
    this.#destinations.unpin(destination);
    for (const _ of this.#takeWaiting(destination)) this.counts.drop('denied');
    this.#onReached?.(failure);
    this.#task.onDestinationFailed?.(destination.peer, failure);
    // A socket with one peer leads there and nowhere else, no matter where its name may lead later.
    const isOver = this.#target !== undefined && this.#sockets.size > 0;
    if (isOver) this.#way.clock.defer(() => this.#flow.close(failure.code));
  }

  #send(destination: Destination, data: Uint8Array, now: number): void {
    const { address = '', peer } = destination;
    const socket = this.#sockets.get(familyOf(address));
    if (!this.#task.room.mayPass('up', data.length)) return this.counts.drop('rate');
    if (socket?.send(data, address, peer.port) !== true) return this.counts.drop('unsent');
    this.#destinations.use(destination, now);
    this.#lastPassed = now;
    this.counts.passed('up', data.length);
  }

  #openSocket(address: string, port: number): void {
    const family = familyOf(address);
    if (this.#sockets.has(family)) return;
    const { room } = this.#task;
    if (!room.takeSocket()) throw new TunnelError('LIMIT_REACHED', 'the limit sockets is reached');
    try {
      const peer = this.#target && { address, port };
      const localAddress = this.#way.localAddressFor(address);
      this.#sockets.set(family, new FlowSocket({ family, localAddress, peer }, this));
    } catch (error) {
      room.releaseSocket();
      throw error;
    }
  }

  /** Until its destination is known: the first one, no matter what its size, and then a few. */
  #wait(destination: Destination, data: Uint8Array): void {
    const waiting = destination.waiting ?? [];
    const bytes = waiting.reduce((sum, each) => sum + each.length, data.length);
    const isRoom = waiting.length === 0 || (waiting.length < MAX_WAITING && bytes <= MAX_WAITING_BYTES);
    if (!isRoom || !this.#task.room.reserve(data.length)) return this.counts.drop('waiting');
    // Not `slice`, which copies nothing of a Buffer.
    waiting.push(new Uint8Array(data));
  }

  #takeWaiting(destination: Destination): readonly Uint8Array[] {
    const { waiting = [] } = destination;
    destination.waiting = undefined;
    for (const { length } of waiting) this.#task.room.release(length);
    return waiting;
  }

  #onForgotten(destination: Destination): void {
    this.#takeWaiting(destination);
    if (destination.name !== undefined) this.#names.release(destination.name);
  }

  #onOver(): void {
    this.#over.abort(new TunnelError('CANCELLED'));
    this.#onReached?.(new TunnelError('CANCELLED'));
    this.#destinations.clear();
    for (const socket of this.#sockets.values()) {
      socket.close();
      this.#task.room.releaseSocket();
    }
    this.#sockets.clear();
    this.#way.onOver(this);
  }
}

/** What all flows of a process have in common. */
export interface FlowWay {
  readonly clock: Clock;
  readonly allowed: AllowedAddresses;
  readonly filter: UdpFilter;
  /** A flow that nothing passes for so long is ended, ms. */
  readonly idleTime: number;
  /** Where to send from; undefined: the system decides. */
  localAddressFor(address: string): string | undefined;
  /** Whether there is an address to send from. */
  mayLeaveTo(address: string): boolean;
  onOver(relay: FlowRelay): void;
}

/** What could not be found, or was denied, stays so for a while, ms. */
const CLOSED_TIME = 5_000;
const MAX_WAITING = 16;
const MAX_WAITING_BYTES = 16_384;
