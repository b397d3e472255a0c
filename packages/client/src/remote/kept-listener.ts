import {
  type Arrival,
  addressBytes,
  type Clock,
  type FailureCode,
  type Logger,
  type OfferedChannel,
  type OfferedFlow,
  type Peer,
  type RemoteListener,
  type Timer,
  withFields,
} from 'wsproxy-engine';
import { Backoff } from 'wsproxy-engine/connector';
import type { ListenerState } from '../tunnel/client-status.js';
import { addressText, type ListenWish } from './listen-wish.js';
import type { ListenerHome, ListenerHomes } from './listener-homes.js';
import { ListenerLog } from './listener-log.js';

/**
 * Keeps one remote listener, no matter what becomes of sessions and servers: it lives in one session, and moves when that is about
 * to end, or its slot has gone to another server. There it listens before it is given up where it was, so no connection is
 * refused in between. Another client of the same name may take it over; this one then stands by.
 */
export class KeptListener {
  readonly #homes: ListenerHomes;
  readonly #wish: ListenWish;
  readonly #handler: KeptListenerHandler;
  readonly #clock: Clock;
  readonly #log: ListenerLog;
  readonly #backoff: Backoff;
  #unwatch: () => void = () => {};
  /** Where it listens, or was asked for. */
  #place: Place | undefined;
  /** Where it was asked for as well, to go there. */
  #next: Place | undefined;
  /** Until it is asked again. */
  #refusal: Refusal | undefined;
  #retry: Timer | undefined;
  /** That which it has got: asked for again, so that it survives the session. */
  #port: number;
  /** How often it is still asked for that port and no other, which this client itself may have there. */
  #exactTries = 0;
  /** Another client has taken it over, and has it as far as is known. */
  #isOusted = false;
  #state: ListenerState = 'asking';
  #address: Peer | undefined;
  /** By the clock, when it has begun to do so for the last time. */
  #listeningSince = 0;
  #failure: FailureCode | undefined;

  constructor(homes: ListenerHomes, wish: ListenWish, handler: KeptListenerHandler, options: KeptListenerOptions) {
    this.#homes = homes;
    this.#wish = wish;
    this.#handler = handler;
    this.#clock = options.clock;
    this.#log = new ListenerLog(withFields(options.logger, { listener: wish.text }));
    this.#backoff = new Backoff(options.random ?? Math.random);
    this.#port = wish.port;
  }

  /** Asks, as soon as there is somebody to ask. */
  start(): void {
    this.#unwatch = this.#homes.watch(() => this.#settle());
    this.#settle();
  }

  get state(): ListenerState {
    return this.#state;
  }

  /** Undefined unless it listens. */
  get address(): Peer | undefined {
    return this.#address;
  }

  /** Where it listens, or was asked for last. */
  get server(): string | undefined {
    return (this.#place?.home ?? this.#refusal?.home)?.server.name;
  }

  /** Why it does not listen; undefined while it does, and while nobody knows. */
  get failure(): FailureCode | undefined {
    return this.#failure;
  }

  /** Listens no more; the channels that it has brought live on. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#unwatch();
    this.#retry?.cancel();
    this.#next?.leave();
    this.#place?.leave();
    this.#enter('closed', undefined);
  }

  /** Goes where it belongs, if it is not there, nor asked for. */
  #settle(): void {
    if (this.#state === 'closed') return;
    const latest = this.#next ?? this.#place;
    if (latest !== undefined && this.#homes.isInUse(latest.home)) return;
    const { home } = this.#homes;
    if (home !== undefined && home !== this.#refusal?.home) this.#ask(home);
  }

  get #isServed(): boolean {
    return this.#place?.isListening === true;
  }

  #ask(home: ListenerHome): void {
    this.#retry?.cancel();
    this.#refusal = undefined;
    const place = new Place(home);
    if (this.#isServed) {
      if (this.#place?.home.server === home.server) this.#exactTries = EXACT_TRIES;
      this.#next?.end();
      this.#next = place;
    } else {
      this.#place?.end();
      this.#place = place;
    }
    const { kind, bind, port, backlog, name } = this.#wish;
    const anyPort = port !== this.#port && this.#exactTries === 0;
    const request = { kind, bind, port: this.#port, backlog, name, anyPort, takesOver: !this.#isOusted };
    place.listener = home.session.listen(request, {
      onListening: (address) => this.#onListening(place, address),
      onFail: (code) => this.#onOver(place, code),
      onOver: (code) => this.#onOver(place, code),
      onChannel: (channel, arrival) => this.#handler.onChannel(channel, arrival),
      onFlow: (flow, arrival) => this.#handler.onFlow(flow, arrival, home),
    });
    if (this.#isOusted && !this.#isServed) this.#enter('standby', 'TAKEN_OVER');
  }

  #onListening(place: Place, address: Peer): void {
    if (place.isLeft) return;
    if (place === this.#next) {
      this.#place?.end();
      this.#place = place;
      this.#next = undefined;
    }
    place.isListening = true;
    this.#isOusted = false;
    this.#exactTries = 0;
    this.#listeningSince = this.#clock.now();
    if (this.#wish.port === 0) this.#port = address.port;
    this.#address = this.#heard(address);
    this.#enter('listening', undefined);
  }

  /** Of what the server says an address, and no other text: a path or a name is as it was asked for. */
  #heard({ host, port }: Peer): Peer {
    const { kind, bind } = this.#wish;
    if (kind !== 'tcp' && kind !== 'udp') return { host: bind, port: 0 };
    return { host: addressBytes(host) === undefined ? bind : host, port };
  }

  /** It was refused, or is over. */
  #onOver(place: Place, code: FailureCode): void {
    if (place.isLeft) return;
    const isMoving = place === this.#place && this.#next !== undefined;
    if (place === this.#place) this.#place = this.#next;
    this.#next = undefined;
    place.leave();
    // By this one itself, from its next session.
    if (code === 'TAKEN_OVER' && isMoving) return;
    if (code === 'TAKEN_OVER') this.#isOusted = true;
    // However often a server says yes and then no: it is not asked in a tight loop.
    if (place.isListening) this.#backoff.lived(this.#clock.now() - this.#listeningSince);
    if (!LOST.has(code) || this.#refusal === undefined) this.#pause({ home: place.home, code });
    if (!this.#isServed) this.#enterUnserved();
    // Elsewhere, if there is a better place meanwhile.
    if (!LOST.has(code)) this.#settle();
  }

  #enterUnserved(): void {
    const code = this.#refusal?.code;
    if (code !== undefined && !MILD.has(code) && !LOST.has(code)) this.#enter('refused', code);
    else if (this.#isOusted) this.#enter('standby', 'TAKEN_OVER');
    else this.#enter('asking', undefined);
  }

  /** Asks again after a pause that grows, and in the next session before that. */
  #pause(refusal: Refusal): void {
    const { home, code } = refusal;
    this.#refusal = refusal;
    this.#retry?.cancel();
    // That will not change while the session lives.
    if (code === 'UNSUPPORTED') return;
    // Another process of the server has the address for the session that is about to end: it gives it up when it is told so.
    if (code === 'ADDRESS_IN_USE' && this.#exactTries > 0) this.#exactTries -= 1;
    if (code === 'ADDRESS_IN_USE' && this.#place?.home.server === home.server) {
      this.#place?.leave();
      this.#place = undefined;
    }
    const pause = Math.round(this.#backoff.next(false, this.#clock.now()));
    this.#retry = this.#clock.setTimer(() => {
      this.#refusal = undefined;
      this.#settle();
    }, pause);
  }

  #enter(state: ListenerState, failure: FailureCode | undefined): void {
    if (state === this.#state && failure === this.#failure && state !== 'listening') return;
    this.#state = state;
    this.#failure = failure;
    if (state !== 'listening') this.#address = undefined;
    const { server } = this;
    if (this.#address !== undefined) this.#log.listens(addressText(this.#wish.kind, this.#address), server);
    else if (failure !== undefined) this.#log.doesNot(failure, server);
    this.#handler.onChange();
  }
}

export interface KeptListenerHandler {
  /** State, address or failure have changed. */
  onChange(): void;
  /** Both as of `ListenHandler`. */
  onChannel(channel: OfferedChannel, arrival: Arrival): void;
  onFlow(flow: OfferedFlow, arrival: Arrival, home: ListenerHome): void;
}

export interface KeptListenerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Decides the pauses between two tries, by numbers from 0 to 1; `Math.random` unless told. */
  readonly random?: (() => number) | undefined;
}

/** Where it was asked for. */
class Place {
  readonly home: ListenerHome;
  listener: RemoteListener | undefined;
  isListening = false;
  /** What it tells from then on is nothing to anybody. */
  isLeft = false;
  readonly #release: () => void;

  constructor(home: ListenerHome) {
    this.home = home;
    this.#release = home.hold();
  }

  leave(): void {
    if (this.isLeft) return;
    this.isLeft = true;
    this.listener?.close();
    this.#release();
  }

  /** The same when it listens elsewhere now, or was asked for there: what has come here is taken. Until then its session does not end. */
  end(): void {
    if (this.isLeft) return;
    this.isLeft = true;
    this.listener?.end();
    this.#release();
  }
}

/** Who has refused it, and why. */
interface Refusal {
  readonly home: ListenerHome;
  readonly code: FailureCode;
}

/** Within a second or two the process that had the port has heard that it is wanted no more. */
const EXACT_TRIES = 4;

/** It is for later: the server is about to stop, or another client is first. */
const MILD: ReadonlySet<FailureCode> = new Set(['GOING_AWAY', 'TAKEN_OVER']);

/** Nobody has refused it: its session has ended, or has never begun; unless a server says so in one that lives. */
const LOST: ReadonlySet<FailureCode> = new Set(['SESSION_LOST', 'TUNNEL_DOWN', 'CANCELLED']);
