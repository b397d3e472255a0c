import type { FailureCode, OfferedListener, Peer, TunnelError } from 'wsproxy-engine';
import type { OpenedListener } from '../observe/observer.js';
import type { ListenerInfo } from './listener-info.js';
import type { ListenerService } from './listener-service.js';
import { formatListenPlace, type ListenPlace, listenPlaceOf } from './rules/listen-place.js';
import type { LivingListener, SessionOfListeners } from './session-of-listeners.js';

/** One LISTEN, from its coming to its end: that a session wants a remote listener, stands by for it, or has it. */
export class Claim implements LivingListener {
  readonly listener: OfferedListener;
  readonly session: SessionOfListeners;
  /** Connections that have come to it, and those of them that its client has not answered yet. */
  arrivals = 0;
  unanswered = 0;
  /** The client of its session is away. */
  onAway: () => void = () => {};
  readonly #service: ListenerService;
  /** What it asks for, in its one spelling, once that was judged. */
  #wanted: ListenPlace | undefined;
  /** What it has. */
  #place: ListenPlace | undefined;
  #isRefused = false;

  constructor(service: ListenerService, listener: OfferedListener, session: SessionOfListeners) {
    this.#service = service;
    this.listener = listener;
    this.session = session;
    session.onListenerAsked(this);
    listener.onOver(() => this.#onOver());
  }

  /** The client knows that it listens. */
  get isOpen(): boolean {
    return this.listener.state.opening === 'open';
  }

  get isOver(): boolean {
    return this.listener.state.dead;
  }

  /** Undefined until it was judged. */
  get wanted(): ListenPlace | undefined {
    return this.#wanted;
  }

  get info(): ListenerInfo {
    const { listener, name } = this.#opened;
    const { unanswered: waiting, arrivals } = this;
    return { listener, name, open: this.isOpen, ageMs: Math.round(this.listener.figures.age), waiting, arrivals };
  }

  /** It may have this place. */
  want(place: ListenPlace): void {
    this.#wanted = place;
  }

  /** Whether it is content with `place`. */
  isServedBy({ kind, host, port }: ListenPlace): boolean {
    const wanted = this.#wanted;
    if (wanted?.kind !== kind || wanted.host !== host) return false;
    return wanted.port === 0 || wanted.port === port || this.listener.request.anyPort;
  }

  /** How many of its connections may wait, where the server allows `most`. */
  backlogWithin(most: number): number {
    return Math.min(this.listener.request.backlog || most, most);
  }

  /** It listens at `place`, which is told as `address`. */
  open(place: ListenPlace, address: Peer): void {
    this.#place = place;
    this.listener.accept(address);
    this.#service.observer.onListenerOpened?.(this.#opened);
    this.log({}, 'remote listener open');
  }

  refuse({ code, message }: TunnelError): void {
    if (this.isOver) return;
    this.#isRefused = true;
    this.log({ code, reason: message }, 'remote listener refused');
    this.listener.refuse(code);
  }

  /** It is over, no matter what it was. */
  end(code: FailureCode): void {
    if (this.isOpen) this.listener.close(code);
    else this.listener.refuse(code);
  }

  /** A client may ask, and give up, as often as it likes: of many lines only some. `reason` may name addresses. */
  log({ reason, ...fields }: LineFields, message: string): void {
    const { guard, logTargets } = this.#service;
    // `name` is that of the program, in each line.
    const { user, session, listener, name: listenerName } = this.#opened;
    const named = logTargets && { listener, listenerName, ...(reason !== undefined && { reason }) };
    guard.lines.writeSome(user, fields.code ?? '', { user, session, ...named, ...fields }, message);
  }

  #onOver(): void {
    const { age, failure = 'CANCELLED' } = this.listener.figures;
    const outcome = failure === 'CANCELLED' ? 'ok' : failure;
    const record = { arrivals: this.arrivals, durationMs: Math.round(age) };
    this.session.onListenerOver(this);
    this.#service.observer.onListenerOver?.({ ...this.#opened, refused: this.#isRefused, outcome, ...record });
    if (this.isOpen) this.log({ outcome, ...record }, 'remote listener over');
  }

  /** What every record of it begins with. */
  get #opened(): OpenedListener {
    const { kind, bind, port, name } = this.listener.request;
    // What is no place is shown as it was asked for.
    const asked = listenPlaceOf(kind, bind, port) ?? { kind, host: bind, port };
    const place = this.#place ?? this.#wanted ?? asked;
    return { user: this.session.user.id, session: this.session.id, listener: formatListenPlace(place), name };
  }
}

interface LineFields {
  readonly code?: FailureCode;
  readonly reason?: string;
  readonly [field: string]: unknown;
}
