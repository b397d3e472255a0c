import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Carried, type OfferedListener, TunnelError } from 'wsproxy-engine';
import { limitReached } from '../limits/guard.js';
import { ListenerPlace } from '../limits/listener-place.js';
import type { User } from '../users/user.js';
import { asFailure } from './bind-place.js';
import { Claim } from './claim.js';
import { ListenerEntry } from './listener-entry.js';
import type { ListenerService } from './listener-service.js';
import { type ListenPlace, listenPlaceOf } from './rules/listen-place.js';
import type { SessionOfListeners } from './session-of-listeners.js';

/** Every remote listener, by its user and its name. */
export class ListenerTable {
  readonly #service: ListenerService;
  readonly #entries = new Map<string, ListenerEntry>();
  #isClosed = false;

  constructor(service: ListenerService) {
    this.#service = service;
  }

  /** Names that are in use. */
  get size(): number {
    return this.#entries.size;
  }

  /** A client asks for one: answers it, at once or when the one who has its name is over. */
  async serve(listener: OfferedListener, session: SessionOfListeners): Promise<void> {
    const claim = new Claim(this.#service, listener, session);
    try {
      claim.want(await this.#judge(claim));
      if (claim.isOver) return;
      const found = this.#known(claim) ?? ListenerPlace.take(this.#service.guard, session.user);
      const room = found instanceof Promise ? await found : found;
      // Over before other processes have answered.
      if (claim.isOver && room instanceof ListenerPlace) room.leave();
      if (!claim.isOver) this.#entryFor(claim, room).add(claim);
    } catch (error) {
      claim.refuse(asFailure(error));
    }
  }

  /** A session is over, and its client has never heard of `unsent`: other sessions that have the listeners adopt what has come to them. */
  adopt(unsent: readonly Carried[]): void {
    if (unsent.length > 0) for (const entry of this.#entries.values()) entry.adopt(unsent);
  }

  /** Those of `userId` that the rules of now do not allow are over; of all users unless told. */
  review(userId?: string): void {
    for (const entry of this.#entries.values()) if (userId === undefined || entry.userId === userId) entry.review();
  }

  /** The server takes nothing new: all of them are over. What has come by them goes on. */
  close(): void {
    this.#isClosed = true;
    for (const entry of this.#entries.values()) entry.end('GOING_AWAY');
  }

  /** What is asked for, in its one spelling, if it may be had. Rejects with TunnelError, or the system's error. */
  async #judge({ listener: { request }, session: { user } }: Claim): Promise<ListenPlace> {
    const { rights, holds } = this.#service;
    const { kind, bind, port, anyPort, name } = request;
    if (this.#isClosed) throw new TunnelError('GOING_AWAY');
    if (holds[kind] === undefined) throw new TunnelError('UNSUPPORTED');
    const asked = listenPlaceOf(kind, bind, port);
    if (asked === undefined) throw new TunnelError('BAD_TARGET', 'nothing can listen there');
    const place = kind === 'unix' ? await this.#withoutLinks(asked, user) : asked;
    const isChosen = anyPort && !rights.allows(user, place);
    await rights.judge(user, isChosen ? { ...place, port: 0 } : place, name);
    return place;
  }

  /** Where a path leads. Who may not listen there is not told whether there is such a folder. */
  async #withoutLinks(asked: ListenPlace, user: User): Promise<ListenPlace> {
    try {
      return await withoutLinks(asked);
    } catch (error) {
      if (this.#service.rights.allows(user, asked)) throw error;
      throw new TunnelError('DENIED', 'denied:listen');
    }
  }

  #known(claim: Claim): ListenerEntry | undefined {
    return this.#entries.get(keyOf(claim));
  }

  /** `room`: the entry, or what there is for another one. @throws TunnelError when there is nothing */
  #entryFor(claim: Claim, room: ListenerEntry | ListenerPlace | undefined): ListenerEntry {
    const known = this.#known(claim);
    if (room instanceof ListenerPlace) {
      if (known === undefined && !this.#isClosed) return this.#begin(claim, room);
      room.leave();
    }
    if (this.#isClosed) throw new TunnelError('GOING_AWAY');
    if (known === undefined) throw limitReached('listenersPerUser');
    return known;
  }

  #begin(claim: Claim, room: ListenerPlace): ListenerEntry {
    const key = keyOf(claim);
    const onOver = (): void => void this.#entries.delete(key);
    const entry = new ListenerEntry(this.#service, { userId: claim.session.user.id, key, room, onOver });
    this.#entries.set(key, entry);
    return entry;
  }
}

function keyOf({ listener: { request }, session: { user } }: Claim): string {
  return [user.id, request.name].map(encodeURIComponent).join('/');
}

/** What sessions ask of it. */
export type ListenerDesk = Pick<ListenerTable, 'serve' | 'adopt' | 'review' | 'close'>;

/** Rules are judged by where a file is, not by what leads there. */
async function withoutLinks(place: ListenPlace): Promise<ListenPlace> {
  const { host: path } = place;
  return { ...place, host: join(await realpath(dirname(path)), path.slice(path.lastIndexOf('/') + 1)) };
}
