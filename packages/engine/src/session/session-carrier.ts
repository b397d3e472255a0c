import type { Channel, Progress } from '../channel/channel.js';
import type { OpenHandler } from '../channel/handlers.js';
import { isAdrift, nowhere } from '../channel/nowhere.js';
import { type Carrier, SessionChannel } from '../channel/session-channel.js';
import type { Clock } from '../clock.js';
import { QUEUE_LIMIT, WINDOW_BUDGET, WINDOW_FLOOR } from '../constants.js';
import type { FailureCode } from '../failures.js';
import { MemoryBudget } from '../flow/memory-budget.js';
import type { RoundTrip } from '../flow/round-trip.js';
import { holds } from '../invariant.js';
import type { SlabPool } from '../memory/slab-pool.js';
import { parseHost, parsePort, type Target } from '../target.js';
import { Channels } from './channels.js';
import { Outbox } from './outbox.js';
import { Returner } from './returner.js';
import type { SessionOptions } from './session-options.js';
import { stillbornChannel } from './stillborn-channel.js';
import type { Terms } from './terms.js';

/** Carries the channels of one session: gives them what they ask for, and lets go of those that another one may carry. */
export class SessionCarrier implements Carrier {
  readonly memory: SlabPool;
  readonly budget: MemoryBudget;
  readonly queues: MemoryBudget;
  readonly channels: Channels;
  readonly outbox: Outbox;
  readonly returner: Returner;

  readonly #options: SessionOptions;
  readonly #clock: Clock;
  readonly #roundTrip: RoundTrip;
  /** What channels are told once this is closed. */
  #end: FailureCode | undefined;

  constructor(options: SessionOptions, terms: Terms, roundTrip: RoundTrip) {
    const { clock, memory, processBudgets, role, lastChannel, replayPace } = options;
    this.#options = options;
    this.#clock = clock;
    this.#roundTrip = roundTrip;
    this.memory = memory;
    this.budget = new MemoryBudget(WINDOW_BUDGET, processBudgets?.windows, WINDOW_FLOOR);
    this.queues = new MemoryBudget(QUEUE_LIMIT, processBudgets?.replay);
    this.channels = new Channels(role, lastChannel);
    this.outbox = new Outbox({ clock, carrier: this, roundTrip, budget: processBudgets?.replay, pace: replayPace });
    this.returner = new Returner(clock, this.outbox, terms);
  }

  // What channels ask.

  progress(): Progress {
    const { replay, asked, answered } = this.outbox;
    return { framesSent: replay.total, framesProcessed: replay.acknowledged, asked, answered };
  }

  ask(): void {
    this.outbox.ask();
  }

  now(): number {
    return this.#clock.now();
  }

  roundTrip(): number {
    return this.#roundTrip.lowest;
  }

  onSendable(channel: SessionChannel): void {
    this.outbox.sendable(channel);
  }

  onGrant(channel: SessionChannel): void {
    this.outbox.grant(channel);
  }

  onOver(channel: SessionChannel): void {
    this.channels.remove(channel);
    this.outbox.forget(channel);
    this.returner.forget(channel);
    this.tellIdle();
  }

  // What the session does with them.

  /** No channel lives, and the peer has processed all that was sent. */
  get isIdle(): boolean {
    return this.channels.size === 0 && this.outbox.isEmpty;
  }

  /** A transport carries frames, perhaps another than before: what it is to be told of the channels is told again. */
  goLive(): void {
    const channels = this.channels.all();
    for (const channel of channels) if (channel.hasGranted) this.outbox.grant(channel);
    this.returner.goLive(channels);
  }

  /** The transport is gone. */
  detach(): void {
    this.returner.stop();
    this.outbox.detach();
  }

  /** As `Session.open`. */
  open(target: Target, handler: OpenHandler, optimistic: boolean): SessionChannel {
    const isValid = parseHost(target.host) !== undefined && parsePort(String(target.port)) !== undefined;
    if (!isValid) return stillbornChannel(this.#clock, this.memory, handler, 'BAD_TARGET');
    const id = this.#takeId();
    if (id === undefined) return stillbornChannel(this.#clock, this.memory, handler, this.#end ?? 'SESSION_LOST');
    const channel = SessionChannel.request(id, target, this, handler);
    this.channels.add(channel);
    if (optimistic) this.#clock.defer(() => channel.assumeOpen());
    return channel;
  }

  /** As `Session.adopt`. */
  adopt(channel: Channel): void {
    if (channel.state.dead) return;
    if (!isAdrift(channel)) return void holds(false, 'a channel is adopted that another session carries');
    const id = this.#takeId();
    if (id === undefined) return channel.onDead(this.#end ?? 'SESSION_LOST');
    channel.move(id, this);
    this.channels.add(channel);
  }

  #takeId(): number | undefined {
    const id = this.#end !== undefined ? undefined : this.channels.takeId();
    // Later: whoever opens this one is not done with it yet.
    if (id !== undefined && this.channels.isFirstOfFew(id)) this.#clock.defer(() => this.#options.onNumbersLow?.());
    return id;
  }

  /** As `Session.giveUp`. */
  giveUp(channels: readonly Channel[], code: FailureCode): void {
    for (const channel of this.channels.all()) if (channels.includes(channel)) channel.giveUp(code);
  }

  /** As `Session.release`. */
  release(which: 'unsent' | 'unheard'): readonly SessionChannel[] {
    const unheard = which === 'unheard' ? this.outbox.replay.unheard : NONE;
    const released = this.channels
      .all()
      .filter((one) => one.isUnsent || (one.state.opening === 'requested' && unheard.has(one.id)));
    for (const channel of released) this.#letGo(channel);
    return released;
  }

  #letGo(channel: SessionChannel): void {
    this.channels.remove(channel);
    this.outbox.release(channel);
    this.returner.forget(channel);
    channel.leave(nowhere(this.#clock, this.memory));
    this.tellIdle();
  }

  /** The peer takes no more channels, and has not dialled this one. */
  onUndialled(channel: SessionChannel): void {
    this.#letGo(channel);
    this.#options.onUndialled?.(channel);
    if (isAdrift(channel)) channel.onDead('GOING_AWAY');
  }

  /** Later: a channel is over as soon as its last frame was taken to be sent, and an answer may bring a new one. */
  tellIdle(): void {
    if (this.channels.size > 0) return;
    this.#clock.defer(() => {
      if (this.isIdle && this.#end === undefined) this.#options.onIdle?.();
    });
  }

  /** Takes no more channels, and resets those there are, but for what it lets go of and returns. */
  close(failure: FailureCode): readonly SessionChannel[] {
    this.#end = failure;
    const unsent = this.release('unsent');
    for (const channel of this.channels.all()) channel.onDead(failure);
    this.outbox.replay.clear();
    return unsent;
  }
}

const NONE: ReadonlySet<number> = new Set();
