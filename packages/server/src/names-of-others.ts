import type { Duplex } from 'node:stream';
import { type Arrival, type Clock, type FailureCode, TunnelError } from 'wsproxy-engine';
import { joinStreams, type RelaySocket, resetSocket } from 'wsproxy-node/sockets';
import type { NameErrand } from './cluster/errand.js';
import type { AskedErrand } from './cluster/errand-desk.js';
import type { Route } from './cluster/route.js';
import type { Found } from './limits/guard.js';
import type { NameKind } from './names/name-directory.js';
import type { ArrivalEvents, NameOwner } from './names/name-owner.js';
import type { NamePort } from './names/name-port.js';
import { NamesElsewhere, type NamesElsewhereOptions } from './names/names-elsewhere.js';
import { streamPair } from './names/stream-pair.js';

/** The host names that other processes hold, as they are reached by errands that `send` sends. */
export function namesOfOthers(options: NamesOfOthersOptions): NamesElsewhere<Route> {
  const names: NamesElsewhere<Route> = new NamesElsewhere({
    ...options,
    ownerAt: (route, way) => new OwnerElsewhere(route, way, { ...options, doubt: (name) => names.doubt(name) }),
  });
  return names;
}

interface NamesOfOthersOptions extends Pick<NamesElsewhereOptions<Route>, 'find'> {
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly send: (route: Route, errand: NameErrand, signal: AbortSignal) => Promise<Duplex>;
  /** How many may wait for one owner to answer. */
  readonly backlog: number;
  /** Who takes what comes for a name, here or in another process. */
  readonly ownerOf: (kind: NameKind, name: string) => Found<NameOwner>;
}

interface OwnerOptions extends NamesOfOthersOptions {
  /** The one that was found for this name has it no more. */
  readonly doubt: (name: string) => void;
}

/**
 * Anyone who takes what comes for a name in another process. The limits of its user count there. Nothing of the stream is read before that
 * process has taken it: so it goes elsewhere where the name has gone meanwhile.
 */
class OwnerElsewhere implements NameOwner {
  readonly isElsewhere = true;
  readonly isAttached = true;
  readonly backlog: number;
  readonly #route: Route;
  readonly #way: NameKind;
  readonly #options: OwnerOptions;

  constructor(route: Route, way: NameKind, options: OwnerOptions) {
    this.#route = route;
    this.#way = way;
    this.#options = options;
    this.backlog = options.backlog;
  }

  beginVisit(): () => void {
    return () => {};
  }

  arrive(arrival: Arrival, stream: RelaySocket, events?: ArrivalEvents): void {
    void this.#bring({ arrival, stream, events });
  }

  async #bring(visit: Visit): Promise<void> {
    const failure = await this.#ask(visit);
    if (failure === undefined) return;
    if (!HAS_GONE.has(failure)) return fail(visit, failure);
    const { clock } = this.#options;
    const until = clock.now() + TIME_TO_MOVE;
    // Longer each time: a client may say the same, and is to be asked a few times at most.
    for (let pause = FIRST_PAUSE; clock.now() < until; pause *= 2) {
      const time = Math.min(pause, until - clock.now());
      await new Promise<void>((resolve) => clock.setTimer(resolve, time));
      if (visit.stream.destroyed) return;
      const owner = await this.#look(visit.arrival.name);
      if (visit.stream.destroyed) return;
      if (owner instanceof OwnerElsewhere) {
        const code = await owner.#ask(visit);
        if (code === undefined) return;
        if (!HAS_GONE.has(code)) return fail(visit, code);
      } else if (owner !== undefined) return bringHere(owner, visit);
    }
    fail(visit, failure);
  }

  /** Who has it now, no matter who had it. */
  #look(name: string): Found<NameOwner> {
    this.#options.doubt(name);
    return this.#options.ownerOf(this.#way, name);
  }

  /** Why it was not taken there; undefined when it was, or nobody waits any more. */
  async #ask({ arrival: { peer, local, name }, stream, events }: Visit): Promise<FailureCode | undefined> {
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    stream.once('close', onClose);
    try {
      const errand = { kind: 'name', way: this.#way, name, peer, local } as const;
      const far = await this.#options.send(this.#route, errand, gone.signal);
      events?.onOpen();
      joinStreams(stream, far);
      return undefined;
    } catch (error) {
      return error instanceof TunnelError ? error.code : 'TUNNEL_DOWN';
    } finally {
      stream.off('close', onClose);
    }
  }
}

/** What has come for a name. */
interface Visit {
  readonly arrival: Arrival;
  readonly stream: RelaySocket;
  readonly events: ArrivalEvents | undefined;
}

function bringHere(owner: NameOwner, visit: Visit): void {
  const endVisit = owner.beginVisit();
  if (endVisit === undefined) return fail(visit, 'LIMIT_REACHED');
  const { arrival, stream, events } = visit;
  stream.once('close', endVisit);
  owner.arrive(arrival, stream, events);
}

function fail({ stream, events }: Visit, code: FailureCode): void {
  if (stream.destroyed) return;
  events?.onFail(code);
  resetSocket(stream);
}

/** The name is about to be found elsewhere, or is already. */
const HAS_GONE: ReadonlySet<FailureCode> = new Set([
  'NAME_NOT_FOUND',
  'TAKEN_OVER',
  'GOING_AWAY',
  'SESSION_LOST',
  'TUNNEL_DOWN',
]);
/** For that, ms: as long as a process waits for another one to give it back. */
const TIME_TO_MOVE = 3_000;
/** Before the first of the looks, ms. */
const FIRST_PAUSE = 50;

/** Gives what has come for a name at another process to the one who has it here. */
export function serveName(
  { way, name, peer, local }: NameErrand,
  { signal, begin, refuse }: AskedErrand,
  names: Pick<NamePort, 'ownerHere'> | undefined,
): void {
  const owner = names?.ownerHere(way, name);
  if (owner === undefined) return refuse(NOT_HERE);
  const endVisit = owner.beginVisit();
  if (endVisit === undefined) return refuse('LIMIT_REACHED');
  const { near, far } = streamPair();
  near.once('close', endVisit);
  const onAbort = (): void => void near.destroy();
  signal.addEventListener('abort', onAbort);
  owner.arrive({ peer, local, name }, far, {
    onOpen: () => {
      signal.removeEventListener('abort', onAbort);
      joinStreams(near, begin());
    },
    onFail: (code: FailureCode) => {
      refuse(code === NOT_HERE ? 'HOST_UNREACHABLE' : code);
      near.destroy();
    },
  });
}

/** No client has the name here. A client says the same of its service, which is no reason to look for another one. */
const NOT_HERE: FailureCode = 'NAME_NOT_FOUND';
