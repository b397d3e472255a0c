import type { Socket } from 'node:net';
import type { Clock, Timer } from 'wsproxy-engine';
import type { Arrivals, Held, Hold } from '../listeners/held.js';
import type { ListenPlace } from '../listeners/rules/listen-place.js';
import type { HoldFailure, HoldRelease, HoldRequest, ToWorker } from './messages.js';
import { Reception, type Taker } from './reception.js';

/**
 * Ports and paths of remote listeners, which the parent holds for its workers: a place stays open when its worker dies, or another
 * worker gets the listener. Those who come meanwhile wait.
 */
export class KeptPlaces {
  readonly #options: KeptPlacesOptions;
  readonly #places = new Set<KeptPlace>();
  /** The last request for each listener, until it was answered: one comes after the other. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: KeptPlacesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#places.size;
  }

  /** A worker wants a place, or wants it no more. */
  onMessage(worker: HoldingWorker, message: HoldRequest | HoldRelease): void {
    if (message.kind === 'hold') return void this.#inTurn(worker, message);
    const place = this.#of(worker).find(({ id }) => id === message.id);
    // Somebody else has it already.
    if (place === undefined) return;
    if (message.isTakenOver) this.#keep(place, TIME_TO_TAKE_OVER);
    else this.#close(place);
  }

  /** A worker has ended. */
  forget(worker: HoldingWorker): void {
    for (const place of this.#of(worker)) this.#keep(place, TIME_TO_COME_BACK);
  }

  /** Holds nothing any more; those who wait are reset. */
  close(): void {
    for (const place of [...this.#places]) this.#close(place);
  }

  async #inTurn(worker: HoldingWorker, request: HoldRequest): Promise<void> {
    const { key, id } = request;
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(async () => {
      worker.send({ kind: 'hold answer', id, ...(await this.#answer(worker, request)) });
    });
    this.#turns.set(key, turn);
    await turn;
    if (this.#turns.get(key) === turn) this.#turns.delete(key);
  }

  async #answer(worker: HoldingWorker, request: HoldRequest): Promise<{ port?: number; failure?: HoldFailure }> {
    const known = [...this.#places].find((place) => place.isFor(request));
    if (known !== undefined && (await this.#takeFrom(known, request))) {
      known.moveTo(worker, request);
      return this.#given(known, worker);
    }
    if (known !== undefined && this.#places.has(known)) return { failure: IN_USE };
    return request.inherits === undefined ? this.#open(worker, request) : {};
  }

  /** Whether nobody has it, or the one who has it must let it go. */
  async #takeFrom(known: KeptPlace, { takesOver }: HoldRequest): Promise<boolean> {
    const { worker, id } = known;
    if (worker === undefined) return true;
    if (takesOver || !worker.isPresent) {
      worker.send({ kind: 'hold lost', id });
      if (known.isDatagrams && worker.isPresent) await this.#untilLet(known);
      return true;
    }
    // It may be about to let it go, as others know already.
    await this.#untilLet(known);
    return this.#places.has(known) && known.worker === undefined;
  }

  /** Until its worker has let it go, for a while. */
  #untilLet(place: KeptPlace): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(resolve, TIME_TO_LET_GO);
      place.onLet = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  async #open(worker: HoldingWorker, request: HoldRequest): Promise<{ port?: number; failure?: HoldFailure }> {
    const place = new KeptPlace(worker, request, this.#options);
    try {
      await place.open(this.#options.holds);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { failure: { code, message } };
    }
    return this.#given(place, worker);
  }

  #given(place: KeptPlace, worker: HoldingWorker): { port: number } {
    this.#places.add(place);
    // It has ended meanwhile.
    if (!worker.isPresent) this.#keep(place, TIME_TO_COME_BACK);
    return { port: place.place.port };
  }

  /** For somebody who takes it over within `time` ms. */
  #keep(place: KeptPlace, time: number): void {
    place.leave(this.#options.clock.setTimer(() => this.#close(place), time));
  }

  #close(place: KeptPlace): void {
    this.#places.delete(place);
    place.close();
  }

  #of(worker: HoldingWorker): KeptPlace[] {
    return [...this.#places].filter((place) => place.worker === worker);
  }
}

/** One place, no matter which worker has it. */
class KeptPlace {
  readonly key: string;
  place: ListenPlace;
  worker: HoldingWorker | undefined;
  /** By which that worker knows it. */
  id: number;
  /** Its worker has let it go. */
  onLet: () => void = () => {};
  readonly #reception: Reception;
  #backlog: number;
  #held: Held | undefined;
  #end: Timer | undefined;

  constructor(
    worker: HoldingWorker,
    { key, place, id, backlog }: HoldRequest,
    { crowd, onCrowded }: KeptPlacesOptions,
  ) {
    this.key = key;
    this.place = place;
    this.worker = worker;
    this.id = id;
    this.#backlog = backlog;
    this.#reception = new Reception({
      door: () => ({ held: this.id }),
      takers: () => (this.worker === undefined ? [] : [this.worker]),
      mostWaiting: () => this.#backlog,
      ...{ crowd, onCrowded, onError: () => {} },
    });
  }

  /** The worker binds it, and reads what comes there. */
  get isDatagrams(): boolean {
    return this.place.kind === 'udp';
  }

  isFor({ key, place: { kind, host, port }, inherits }: HoldRequest): boolean {
    const { place } = this;
    if (this.key !== key || place.kind !== kind || place.host !== host) return false;
    return place.port === port || (inherits !== undefined && (port === 0 || inherits === 'any port'));
  }

  /** Rejects with the system's error, or a TunnelError. */
  async open(holds: KeptPlacesOptions['holds']): Promise<void> {
    const { kind } = this.place;
    if (kind !== 'tcp' && kind !== 'unix') return;
    const held = await holds[kind](this.place, this.#arrivals);
    this.#held = held;
    this.place = { ...this.place, port: held.address.port };
  }

  moveTo(worker: HoldingWorker, { id, backlog }: HoldRequest): void {
    this.#end?.cancel();
    this.worker = worker;
    this.id = id;
    this.#backlog = backlog;
    this.#reception.serve();
  }

  /** Nobody has it, until `end`. */
  leave(end: Timer): void {
    this.#end?.cancel();
    this.#end = end;
    this.worker = undefined;
    this.onLet();
  }

  close(): void {
    this.#end?.cancel();
    this.worker = undefined;
    this.#held?.close();
    this.#reception.close();
    this.onLet();
  }

  /** Nobody asks it for more: nothing of what comes is served here. */
  get #arrivals(): Pick<Arrivals, 'arrive'> {
    return { arrive: (_arrival, socket) => this.#reception.take(socket as Socket) };
  }
}

export interface KeptPlacesOptions {
  /** By which the system is asked. */
  readonly holds: Readonly<Record<'tcp' | 'unix', Hold<Pick<Arrivals, 'arrive'>>>>;
  readonly clock: Pick<Clock, 'setTimer'>;
  /** All receptions where somebody waits. */
  readonly crowd: Set<Reception>;
  /** A connection was reset, since too many wait. */
  readonly onCrowded: () => void;
}

/** A worker, as far as its places have to know it. */
export interface HoldingWorker extends Taker {
  /** It lives, and answers. */
  readonly isPresent: boolean;
  send(message: ToWorker): void;
}

const IN_USE: HoldFailure = { code: 'EADDRINUSE', message: 'another process of this server has it' };
/** After a worker has ended, for its clients to come back to another one, ms. */
const TIME_TO_COME_BACK = 10_000;
/** For a worker that has the listener already, to ask for its place, ms. */
const TIME_TO_TAKE_OVER = 2_000;
/** For a worker to close what it has lost, ms. */
const TIME_TO_LET_GO = 1_000;
