import type { Socket } from 'node:net';
import { sourceOf } from './door-source.js';

interface Place {
  readonly source: string;
  timer: NodeJS.Timeout;
}

/**
 * Where connections wait until they have said who they are: strangers get these places, and never for longer than
 * their time. When there is none for one more, somebody is sent away: of the source that has most, at random one of the
 * older half. Anyone who is quick is never among them, and of those who are slow some come in at any rate: with N places a
 * connection is safe until N/2 others have come, and drops by chance after that. A flood that renews itself only sends
 * its own away, and all the sooner those of one address.
 */
export class Door<V extends Visitor = Socket> {
  readonly #options: DoorOptions<V>;
  readonly #places = new Map<V, Place>();
  /** Those of each source, the oldest first. */
  readonly #sources = new Map<string, Set<V>>();
  #crowded = 0;
  #isClosed = false;
  /** Told when nobody waits any more. */
  readonly #onEmpty = new Set<() => void>();

  /** One for all of them, which each keeps as long as it is open. */
  readonly #onClose: (this: V) => void;

  constructor(options: DoorOptions<V>) {
    this.#options = options;
    const leave = (visitor: V): void => this.leave(visitor);
    this.#onClose = function (): void {
      leave(this);
    };
  }

  /** Connections that wait. */
  get size(): number {
    return this.#places.size;
  }

  has(visitor: V): boolean {
    return this.#places.has(visitor);
  }

  /** Those who wait. */
  get waiting(): Iterable<V> {
    return this.#places.keys();
  }

  /** How many were sent away for others' sake so far. */
  get crowded(): number {
    return this.#crowded;
  }

  /** Takes a connection in, from accept on; `time` when it is not that of all. */
  admit(visitor: V, time: number = this.#options.time): void {
    const { takeSocket } = this.#options;
    if (this.#isClosed || (takeSocket?.(visitor) === false && !this.#takeOver(visitor))) {
      visitor.destroy();
      return;
    }
    this.readmit(visitor, time);
  }

  /** The same for one that was here before: it has its descriptor. */
  readmit(visitor: V, time: number): void {
    this.#enter(visitor, time);
    if (this.#places.size > this.#options.places) this.#dismissOne();
  }

  /** From now on it has so much time, ms, no matter what it had before; nothing for one that does not wait. */
  setTime(visitor: V, time: number): void {
    const place = this.#places.get(visitor);
    if (place === undefined) return;
    clearTimeout(place.timer);
    place.timer = this.#timer(visitor, time);
  }

  /** It waits no more: it has become something else, or it is closed. */
  leave(visitor: V): void {
    const place = this.#places.get(visitor);
    if (place === undefined) return;
    clearTimeout(place.timer);
    // It may come again.
    visitor.off('close', this.#onClose);
    this.#places.delete(visitor);
    const theirs = this.#sources.get(place.source);
    theirs?.delete(visitor);
    if (theirs?.size === 0) this.#sources.delete(place.source);
    if (this.size === 0) for (const onEmpty of this.#onEmpty) onEmpty();
  }

  /** Resolves when nobody waits any more, or after `time` ms. */
  async settled(time: number): Promise<void> {
    if (this.size === 0) return;
    let onEmpty = (): void => {};
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      onEmpty = resolve;
      this.#onEmpty.add(onEmpty);
      timer = setTimeout(resolve, time);
    });
    clearTimeout(timer);
    this.#onEmpty.delete(onEmpty);
  }

  /** Ends anything that waits, and lets nobody in any more. */
  close(): void {
    this.#isClosed = true;
    for (const visitor of [...this.#places.keys()]) visitor.destroy();
  }

  #enter(visitor: V, time: number): void {
    const source = sourceOf(visitor.remoteAddress);
    this.#places.set(visitor, { source, timer: this.#timer(visitor, time) });
    const theirs = this.#sources.get(source);
    if (theirs === undefined) this.#sources.set(source, new Set([visitor]));
    else theirs.add(visitor);
    visitor.on('close', this.#onClose);
  }

  #timer(visitor: V, time: number): NodeJS.Timeout {
    return setTimeout(() => this.#onLate(visitor), time).unref();
  }

  #onLate(visitor: V): void {
    const { onLate, time } = this.#options;
    if (onLate?.(visitor) === true) {
      this.setTime(visitor, time);
      return;
    }
    this.leave(visitor);
    visitor.destroy();
  }

  /** False when there is no descriptor for it, and nobody here to take one from. */
  #takeOver(visitor: V): boolean {
    const other = this.#dismissOne();
    // The account of descriptors hears of it first.
    other?.once('close', () => {
      if (!visitor.destroyed && this.#options.takeSocket?.(visitor) === false) visitor.destroy();
    });
    return other !== undefined;
  }

  #dismissOne(): V | undefined {
    const visitor = this.#choose();
    if (visitor === undefined) return undefined;
    this.#crowded += 1;
    this.leave(visitor);
    this.#options.onCrowded?.(visitor);
    visitor.destroy();
    return visitor;
  }

  /** Sources that have as many as each other are as one: the older half of them, and then of its connections. */
  #choose(): V | undefined {
    let most = 0;
    let equals = 0;
    for (const { size } of this.#sources.values()) {
      if (size > most) equals = 0;
      most = Math.max(most, size);
      if (size === most) equals += 1;
    }
    let left = this.#ofOlderHalf(equals);
    for (const theirs of this.#sources.values()) {
      if (theirs.size < most) continue;
      if (left === 0) return nth(theirs, this.#ofOlderHalf(most));
      left -= 1;
    }
    return undefined;
  }

  #ofOlderHalf(count: number): number {
    const { random = Math.random } = this.#options;
    return Math.floor(random() * Math.ceil(count / 2));
  }
}

function nth<T>(values: Iterable<T>, n: number): T | undefined {
  let left = n;
  for (const value of values) {
    if (left === 0) return value;
    left -= 1;
  }
  return undefined;
}

/** As much of a connection as the door has to know. */
export interface Visitor {
  readonly remoteAddress?: string | undefined;
  readonly destroyed: boolean;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
  on(event: 'close', listener: (this: this) => void): unknown;
  off(event: 'close', listener: (this: this) => void): unknown;
}

export interface DoorOptions<V extends Visitor> {
  /** Connections at a time. */
  readonly places: number;
  /** What each has, from accept on, to become something else or to get its answer, ms. */
  readonly time: number;
  /** One has had its time. True: it is being told so, for which it has as long again; otherwise it is destroyed. */
  readonly onLate?: (visitor: V) => boolean;
  /** One is destroyed because somebody else needs its place. */
  readonly onCrowded?: (visitor: V) => void;
  /** Takes a descriptor, which is given back when the connection closes; false when there is none. Default: there is. */
  readonly takeSocket?: (visitor: V) => boolean;
  /** From 0 to 1; for tests. */
  readonly random?: () => number;
}
