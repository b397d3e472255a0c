import { FAILURES, type FailureCode } from 'wsproxy-engine';
import type { EndedChannel as ShownEnd, TunnelEvent } from '../../page/news.js';
import type { ChannelChange } from '../tunnel/client-status.js';

/** What has happened to the tunnel, and to connections that are over: the last of each, with the time of day. */
export class Journal {
  readonly #events: Kept<TunnelEvent>[] = [];
  readonly #ended: Kept<EndedChannel>[] = [];
  #changes = 0;
  #lastId = 0;

  /** How often something was noted. */
  get changes(): number {
    return this.#changes;
  }

  /** What was noted, or noted again, since `changes` was `than`; oldest first. */
  newer(than: number): { readonly events: readonly TunnelEvent[]; readonly ended: readonly EndedChannel[] } {
    const pick = <T>(list: readonly Kept<T>[]): T[] =>
      list.filter(({ change }) => change > than).map(({ entry }) => entry);
    return { events: pick(this.#events), ended: pick(this.#ended) };
  }

  /** A failure that repeats while nothing else happens is one event with a count: an outage of a night fits. */
  note(atMs: number, happened: Happened): void {
    this.#changes += 1;
    const again = this.#events.slice(this.#startOfOutage()).find(({ entry }) => isSame(entry, happened));
    if (again !== undefined) {
      again.entry = { ...again.entry, times: again.entry.times + 1, lastMs: atMs };
      again.change = this.#changes;
      return;
    }
    this.#lastId += 1;
    const entry = { ...happened, id: this.#lastId, atMs, times: 1, lastMs: atMs };
    keep(this.#events, { entry, change: this.#changes }, MAX_EVENTS);
  }

  /** A session goes on with another connection: the one that was noted just now, or one that nobody has missed. */
  noteResumed(atMs: number, server: string): void {
    const last = this.#events.at(-1);
    if (last?.entry.what !== 'connected' || last.entry.kept === true || atMs - last.entry.atMs > SAME_TURN) {
      return this.note(atMs, { what: 'connected', server, kept: true });
    }
    this.#changes += 1;
    last.entry = { ...last.entry, kept: true };
    last.change = this.#changes;
  }

  noteEnded(atMs: number, { id, target, kind, peer, open, ageMs, bytesUp, bytesDown, failure }: ChannelChange): void {
    this.#changes += 1;
    const entry: EndedChannel = {
      ...{ id, target, kind, peer, atMs, lastedMs: ageMs, bytesUp, bytesDown, wasOpen: open, failure },
      reason: failure === undefined ? undefined : FAILURES[failure].text,
    };
    keep(this.#ended, { entry, change: this.#changes }, MAX_ENDED);
  }

  /** Where the failures begin that nothing else has followed. */
  #startOfOutage(): number {
    return this.#events.findLastIndex(({ entry }) => entry.what === 'connected' || entry.what === 'closed') + 1;
  }
}

/** What has happened to the tunnel. */
type Happened = Omit<TunnelEvent, 'id' | 'atMs' | 'lastMs' | 'times'>;

/** A channel that is over, as scripts are shown it. */
export interface EndedChannel extends ShownEnd {
  /** Whether the destination was reached. */
  readonly wasOpen: boolean;
  /** Undefined where both directions have ended. */
  readonly failure: FailureCode | undefined;
}

interface Kept<T> {
  entry: T;
  /** The number of the change that it was noted by. */
  change: number;
}

/** What is told within so many ms is told of one thing. */
const SAME_TURN = 100;
const MAX_EVENTS = 200;
const MAX_ENDED = 100;

function keep<T>(list: Kept<T>[], one: Kept<T>, most: number): void {
  list.push(one);
  if (list.length > most) list.shift();
}

function isSame(event: TunnelEvent, { what, server, reason }: Happened): boolean {
  return event.what === what && event.server === server && event.reason === reason;
}
