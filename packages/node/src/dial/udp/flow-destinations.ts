import type { Peer, TunnelError } from 'wsproxy-engine';
import type { Policy } from '../policy.js';
import type { PinnedName } from './pinned-names.js';

/** Where a flow sends datagrams, as its application named it. */
export class Destination {
  readonly key: string;
  readonly peer: Peer;
  /** What it was resolved to, and may be sent to: the only address, as long as it is remembered. */
  address: string | undefined;
  /** What its name leads to, while it is used. */
  name: PinnedName | undefined;
  /** The rules that allowed, or denied, it. */
  judgedBy: Policy | undefined;
  /** What waits for the judgement; undefined when nothing has to. */
  waiting: Uint8Array[] | undefined;
  /** Why it may not be sent to, or cannot be; and until when nobody asks again. */
  failure: TunnelError | undefined;
  closedUntil = 0;
  lastUsed: number;
  isForgotten = false;

  constructor(key: string, peer: Peer, now: number) {
    this.key = key;
    this.peer = peer;
    this.lastUsed = now;
  }
}

/**
 * The destinations of one flow: the last ones that were used, up to a bound, for a time. Answers come only from those that
 * were sent to (RFC 4787 section 5), by address or by address and port; or from anybody.
 */
export class FlowDestinations {
  readonly #filter: UdpFilter;
  readonly #lifetime: number;
  readonly #onForgotten: (destination: Destination) => void;
  /** The one that was not used for longest ahead, within a second. */
  readonly #byPeer = new Map<string, Destination>();
  /** Whose answers they are that come from an address and port. */
  readonly #bySource = new Map<string, Destination>();
  /** How many there are at each address. */
  readonly #addresses = new Map<string, number>();

  /** Datagrams come in rows: most often it is this one again, and a key to look it up by costs more than all the rest. */
  #lastFound: Destination | undefined;
  #lastSender: Destination | undefined;

  /** `lifetime`: since the last use, ms. */
  constructor(filter: UdpFilter, lifetime: number, onForgotten: (destination: Destination) => void) {
    this.#filter = filter;
    this.#lifetime = lifetime;
    this.#onForgotten = onForgotten;
  }

  get size(): number {
    return this.#byPeer.size;
  }

  find(peer: Peer): Destination | undefined {
    const last = this.#lastFound;
    if (last?.isForgotten === false && last.peer.port === peer.port && last.peer.host === peer.host) return last;
    this.#lastFound = this.#byPeer.get(keyOf(peer.host, peer.port));
    return this.#lastFound;
  }

  add(peer: Peer, now: number): Destination {
    const destination = new Destination(keyOf(peer.host, peer.port), peer, now);
    this.#byPeer.set(destination.key, destination);
    if (this.#byPeer.size > MAX_DESTINATIONS) {
      for (const oldest of this.#byPeer.values()) {
        this.forget(oldest);
        break;
      }
    }
    return destination;
  }

  /** It may be sent to at `address`. */
  pin(destination: Destination, address: string): void {
    if (destination.address === undefined) this.#addresses.set(address, (this.#addresses.get(address) ?? 0) + 1);
    destination.address = address;
    this.#bySource.set(keyOf(address, destination.peer.port), destination);
    this.#lastSender = undefined;
  }

  /** Those that may be sent to. */
  *pinned(): Generator<Destination> {
    for (const destination of this.#byPeer.values()) if (destination.address !== undefined) yield destination;
  }

  /** A datagram has gone there, or come from there. */
  use(destination: Destination, now: number): void {
    if (now - destination.lastUsed < USE_STEP) return;
    destination.lastUsed = now;
    this.#byPeer.delete(destination.key);
    this.#byPeer.set(destination.key, destination);
    // Of two names for one place the answers are those of the one in use.
    if (destination.address !== undefined) this.pin(destination, destination.address);
  }

  /** Who sends from there, as the application knows it; undefined for anyone who was not asked. */
  senderAt(address: string, port: number, now: number): Peer | undefined {
    const last = this.#lastSender;
    // Of one that nothing comes from any more the address is undefined.
    const isLast = last !== undefined && last.peer.port === port && last.address === address;
    const destination = isLast ? last : this.#bySource.get(keyOf(address, port));
    if (destination !== undefined) {
      this.use(destination, now);
      this.#lastSender = destination;
      return destination.peer;
    }
    if (this.#filter === 'port') return undefined;
    return this.#filter === 'none' || this.#addresses.has(address) ? { host: address, port } : undefined;
  }

  forget(destination: Destination): void {
    this.#byPeer.delete(destination.key);
    destination.isForgotten = true;
    this.#onForgotten(destination);
    this.unpin(destination);
  }

  /** Nothing may be sent there, and nothing comes from there any more. */
  unpin(destination: Destination): void {
    const { address, peer } = destination;
    if (address === undefined) return;
    destination.address = undefined;
    const source = keyOf(address, peer.port);
    if (this.#bySource.get(source) === destination) this.#bySource.delete(source);
    const others = (this.#addresses.get(address) ?? 1) - 1;
    if (others === 0) this.#addresses.delete(address);
    else this.#addresses.set(address, others);
  }

  /** Forgets those that were not used for too long. */
  tidy(now: number): void {
    for (const oldest of this.#byPeer.values()) {
      if (now - oldest.lastUsed < this.#lifetime) return;
      this.forget(oldest);
    }
  }

  clear(): void {
    for (const destination of this.#byPeer.values()) this.forget(destination);
  }
}

/** Whose datagrams reach the application: those of addresses, or addresses and ports, that it has sent to; or all. */
export type UdpFilter = 'address' | 'port' | 'none';

const MAX_DESTINATIONS = 1_024;
/** What is used all the time is put in order no more often, ms. */
const USE_STEP = 1_000;

function keyOf(host: string, port: number): string {
  return `${host} ${port}`;
}
