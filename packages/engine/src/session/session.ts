import type { Channel } from '../channel/channel.js';
import type { OpenHandler } from '../channel/handlers.js';
import type { Clock, Timer } from '../clock.js';
import { CLIENT_WATCH_INTERVAL, CloseCode, SERVER_WATCH_INTERVAL } from '../constants.js';
import type { Flow } from '../datagram/flow.js';
import { type ProtocolError, violation } from '../errors.js';
import type { FailureCode } from '../failures.js';
import { RoundTrip } from '../flow/round-trip.js';
import { Capability, OFFERED } from '../frame/capabilities.js';
import { FrameType } from '../frame/frame.js';
import type { Arrival, ListenRequest } from '../frame/listen.js';
import { encodeGoAway, GoAway } from '../frame/payload.js';
import type { ListenHandler, OfferedListener, RemoteListener } from '../listen/listener.js';
import type { Target } from '../target.js';
import type { Transport } from '../transport.js';
import { Acceptor } from './acceptor.js';
import { type Carried, isAdrift } from './carried.js';
import { type HandshakeSink, Inbox, type InboxOwner } from './inbox.js';
import type { Link } from './link.js';
import { Liveness } from './liveness.js';
import type { Outbox } from './outbox.js';
import { type LookedAt, type Round, Rounds } from './rounds.js';
import { SessionCarrier } from './session-carrier.js';
import { SessionFigures } from './session-figures.js';
import type { Loss, SessionOptions } from './session-options.js';
import { Terms } from './terms.js';

/** What two peers share: channels and flows, counts, the replay buffer. Outlives any one transport, and never dials. */
export class Session implements InboxOwner, LookedAt {
  readonly terms: Terms;
  readonly figures: SessionFigures;

  readonly #options: SessionOptions;
  readonly #clock: Clock;
  readonly #roundTrip = new RoundTrip();
  readonly #carrier: SessionCarrier;
  readonly #outbox: Outbox;
  readonly #acceptor: Acceptor;
  readonly #inbox: Inbox;
  /** Both of the present transport. */
  #link: Link | undefined;
  #liveness: Liveness | undefined;
  /** In which that is looked at. */
  #round: Round | undefined;
  /** Until it is looked at once more, behind the input that waits. */
  #timer: Timer | undefined;
  #closed = false;
  /** When the channels must be over, by the clock; undefined while there is no drain. */
  #drainEnd: number | undefined;

  constructor(options: SessionOptions) {
    const { clock, heartbeat } = options;
    const terms = new Terms(offeredBy(options));
    this.terms = terms;
    this.#options = options;
    this.#clock = clock;
    if (heartbeat !== undefined) terms.setHeartbeat(heartbeat);
    const carrier = new SessionCarrier(options, terms, this.#roundTrip);
    const acceptor = new Acceptor(options, carrier);
    this.#carrier = carrier;
    this.#outbox = carrier.outbox;
    this.#acceptor = acceptor;
    this.#inbox = new Inbox(this, {
      options,
      terms,
      roundTrip: this.#roundTrip,
      acceptor,
      carrier,
    });
    this.figures = new SessionFigures(this.#inbox, this.#outbox, this.#roundTrip);
  }

  get attached(): boolean {
    return this.#link !== undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Living channels; flows are counted by themselves. */
  get channelCount(): number {
    return this.#carrier.channels.size;
  }

  /** Living channels, oldest first; a copy. */
  get channels(): Channel[] {
    return this.#carrier.channels.all();
  }

  /** Living flows. */
  get flowCount(): number {
    return this.#carrier.flowCount;
  }

  /** Living flows, oldest first; a copy. */
  get flows(): Flow[] {
    return this.#carrier.flows?.all() ?? [];
  }

  /** Channels and flows that we opened and the peer has not answered. */
  get unanswered(): Carried[] {
    return this.#carrier.all.filter(({ state }) => state.opening === 'requested');
  }

  /**
   * No channel and no flow lives, and the peer has processed all that was sent: the session may end, and nothing is lost with it but
   * listeners, which are asked for again in the next one.
   */
  get isIdle(): boolean {
    return this.#carrier.isIdle;
  }

  /** When the peer gave the last sign of life, by the clock; undefined when detached. */
  get lastSign(): number | undefined {
    return this.#liveness?.lastSign;
  }

  /**
   * Opens a channel, attached or not: OPEN and what is written early wait for a transport. An `optimistic` one is open
   * for its handler as soon as the caller has returned, no matter what the peer will say: a failure is then a reset. When that
   * cannot be, since the target is no valid host, the session is closed or its channel numbers have run out, the channel
   * fails as soon as the caller has returned.
   */
  open(target: Target, handler: OpenHandler, optimistic = false): Channel {
    return this.#carrier.open(target, handler, optimistic);
  }

  /**
   * Opens a flow, attached or not, for one peer or, without `target`, for any: FLOW and what is sent wait for a transport, the
   * latter for half a second. When the peer knows no flows, it fails as soon as that is known, with UNSUPPORTED; else as `open`.
   */
  openFlow(target: Target | undefined, handler: OpenHandler): Flow {
    return this.#carrier.openFlow(target, handler);
  }

  /**
   * Asks the server to listen. While it is not known whether it does that for others, LISTEN waits; when it does not, the listener
   * fails with UNSUPPORTED. It belongs to this session alone, and ends with it: the next one is asked anew.
   */
  listen(request: ListenRequest, handler: ListenHandler): RemoteListener {
    return this.#carrier.listening.listen(request, handler);
  }

  /**
   * Opens a channel for what has arrived at `listener`, which listens here, attached or not, as `open` does. It fails with BAD_TARGET
   * when there is no such listener, and as the listener when that ends before INCOMING has left.
   */
  openIncoming(listener: OfferedListener, arrival: Arrival, handler: OpenHandler): Channel {
    return this.#carrier.listening.openIncoming(listener, arrival, handler);
  }

  /** The same for one peer of a listener for datagrams: a flow with the peer of `arrival`. */
  openIncomingFlow(listener: OfferedListener, arrival: Arrival, handler: OpenHandler): Flow {
    return this.#carrier.listening.openIncomingFlow(listener, arrival, handler);
  }

  /**
   * Opens a channel to the service of the client that it calls `service`, attached or not, as `open` does. It fails as the client says,
   * with BAD_TARGET when there can be no such name, and with UNSUPPORTED when the client takes no calls. No session adopts it.
   */
  call(service: string, handler: OpenHandler): Channel {
    return this.#carrier.call(service, handler);
  }

  /** Lets go of what has arrived at `listener`, and the peer has never heard of: a listener of another session may adopt it, and must. */
  releaseIncoming(listener: OfferedListener): readonly Carried[] {
    return this.#carrier.listening.release(listener);
  }

  /** Takes it for `listener`, which listens here: INCOMING, and what was written, leave by this session. */
  adoptIncoming(one: Carried, listener: OfferedListener): void {
    this.#carrier.listening.adopt(one, listener);
  }

  /** The openers of those of `which` that wait here for an answer are told `code`: it takes too long. */
  giveUp(which: readonly Carried[], code: FailureCode): void {
    this.#carrier.giveUp(which, code);
  }

  /**
   * Takes a channel or flow that another session has let go of: OPEN or FLOW, and what was written, leave by this one. It fails
   * when this one takes no more, or its peer knows no flows.
   */
  adopt(one: Carried): void {
    this.#carrier.adopt(one);
  }

  /**
   * Lets go of the channels and flows of which the peer has never heard (`unsent`): another session may adopt them, and must. With
   * `unheard` the same for those whose OPEN or FLOW the peer has not processed either: right only when it has told what it has, and
   * will process no more. Such a session must end then, since it would say those OPENs again.
   */
  release(which: 'unsent' | 'unheard'): readonly Carried[] {
    return this.#carrier.release(which);
  }

  /**
   * Takes `link` in place of the present one, which is cut off first, so that nothing it still delivers counts. Only control
   * frames leave until `goLive`; the frames of the handshake that arrive are for `handshake`.
   */
  attach(link: Link, handshake: HandshakeSink): void {
    if (this.#closed) {
      link.cut();
      return link.transport.terminate();
    }
    this.#unlink()?.terminate();
    const liveness = this.#beginLiveness();
    this.#link = link;
    this.#liveness = liveness;
    this.#inbox.attach(handshake, liveness);
    this.#outbox.attach(link, liveness);
    link.handTo(this.#inbox);
    this.#round = Rounds.of(this.#clock, this.#watchInterval).join(this);
  }

  get #watchInterval(): number {
    return this.#options.role === 'client' ? CLIENT_WATCH_INTERVAL : SERVER_WATCH_INTERVAL;
  }

  #beginLiveness(): Liveness {
    const options = {
      roundTrip: this.#roundTrip,
      interval: this.#watchInterval,
      pingInterval: this.terms.pingInterval,
    };
    return new Liveness(options, this.#clock.now(), this.#clock.wallTime());
  }

  /** Sends a frame of the handshake. */
  greet(type: number, payload: Uint8Array): void {
    this.#outbox.control(type, payload);
  }

  /** The handshake is done: the peer has processed `received` of our sequenced frames, what follows is sent (again). */
  goLive(received: number): void {
    const acknowledged = this.#outbox.replay.acknowledge(received);
    if (acknowledged === undefined) {
      throw violation(`the peer claims to have processed ${received} of ${this.figures.sent} frames`);
    }
    this.#inbox.goLive();
    this.#outbox.goLive();
    this.#outbox.ping();
    this.#tellDrain();
    this.#carrier.goLive();
    if (acknowledged > 0) this.#carrier.tellIdle();
  }

  /** Lets go of the transport; the channels wait. */
  detach(loss: Loss): void {
    const transport = this.#unlink();
    if (transport === undefined) return;
    transport.terminate();
    this.#options.onDetached(loss);
  }

  /** The machine may have slept, or changed its network: an answer must come soon, or the transport is suspected. */
  probe(): void {
    if (!this.#outbox.isLive) return;
    this.#liveness?.probe(this.#clock.now());
    this.#outbox.ping();
  }

  /** The peer broke the protocol: the session cannot be trusted any further. */
  fail(error: ProtocolError): void {
    this.close(error.message, error.closeCode);
  }

  /** Tells the peer that this end will be gone in `deadline` ms at most: it should go elsewhere with what is new, if it can. */
  announceDrain(deadline: number): void {
    this.#drainEnd = this.#clock.now() + deadline;
    this.#tellDrain();
  }

  /** The same, and takes no more channels; those there are live on. */
  drain(deadline: number): void {
    this.#acceptor.drain();
    this.announceDrain(deadline);
  }

  /** Asks the peer for a new transport, before this one is cut. */
  migrate(): void {
    this.#outbox.control(FrameType.goAway, encodeGoAway(GoAway.migrate));
  }

  /** Tells the peer that this session is over for good, then closes it. Anyone who has a channel is told `failure`. */
  leave(reason: string, failure: FailureCode = 'SESSION_LOST'): void {
    this.#outbox.final(encodeGoAway(GoAway.final));
    this.#close(reason, CloseCode.normal, [], failure);
  }

  /** Resets every channel and flow, never ends one cleanly, and closes the transport with `closeCode`. `unheard`: let go of, never dialled. */
  close(reason: string, closeCode: number, unheard: readonly Carried[] = []): void {
    this.#close(reason, closeCode, unheard, 'SESSION_LOST');
  }

  #close(reason: string, closeCode: number, unheard: readonly Carried[], failure: FailureCode): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unlink()?.close(closeCode, reason);
    const unsent = [...unheard, ...this.#carrier.close(failure)];
    this.#options.onClosed(reason, unsent);
    for (const one of unsent) if (isAdrift(one)) one.onDead(failure);
  }

  /** The peer has said where this session, or its transport, is to go: a kind of GOAWAY. */
  onGoAway(kind: number): void {
    const { capabilities = 0 } = this.terms;
    // The first release knew no capabilities, nor that its count goes before it: what it has dialled it does not say.
    if (kind === GoAway.final)
      this.close('the peer has left', CloseCode.normal, capabilities !== 0 ? this.release('unheard') : []);
    else if (kind === GoAway.drain) this.#options.onGoAway?.('drain');
    else if (kind === GoAway.migrate) this.#options.onGoAway?.('migrate');
    else if (kind === GoAway.refused) this.#options.onGoAway?.('refused');
  }

  /** Also on each new transport: anyone who was away has not heard it. */
  #tellDrain(): void {
    if (this.#drainEnd === undefined) return;
    const left = Math.max(1, Math.ceil(this.#drainEnd - this.#clock.now()));
    this.#outbox.control(FrameType.goAway, encodeGoAway(GoAway.drain, left));
  }

  onLook(): void {
    const liveness = this.#liveness;
    if (liveness === undefined) return;
    const isOwed = this.#outbox.bytesInFlight > 0;
    const now = this.#clock.now();
    const judgement = liveness.look(now, this.#clock.wallTime(), isOwed);
    if (liveness.nextLook(now) === now) this.#timer ??= this.#clock.setTimer(() => this.#lookAgain(), 0);
    if (judgement === 'ping') this.#outbox.ping();
    else if (judgement === 'suspect') this.#options.onSuspicion?.();
    else if (judgement === 'lost') this.detach({ code: 1006, reason: 'nothing was heard from the peer for too long' });
  }

  #lookAgain(): void {
    this.#timer = undefined;
    this.onLook();
  }

  #unlink(): Transport | undefined {
    this.#round?.leave(this);
    this.#round = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#carrier.detach();
    this.#liveness = undefined;
    const link = this.#link;
    this.#link = undefined;
    link?.cut();
    return link?.transport;
  }
}

/** What an end can do: a server only what it is told to, but for calls, which it need not make; a client takes these if it is told to. */
function offeredBy({ role, onCall, onFlow, onListen }: SessionOptions): number {
  if (role === 'client') return onCall === undefined ? OFFERED & ~Capability.calls : OFFERED;
  const withheld = (onFlow === undefined ? Capability.flows : 0) | (onListen === undefined ? Capability.listen : 0);
  return OFFERED & ~withheld;
}
