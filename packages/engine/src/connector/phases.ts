import type { Clock, Timer } from '../clock.js';
import type { Transport } from '../transport.js';

/** What an uplink is at, one after the other. A timer belongs to the phase that it was set with, and ends with it. */
export class Phases {
  readonly #clock: Clock;
  readonly #onState: () => void;
  #present: Phase = { is: 'waiting' };
  #timers: readonly Timer[] = [];
  /** In phases that are over, ms; undefined as long as there was none. */
  #onlineBefore: number | undefined;

  /** `onState`: what it looks like from outside has changed. */
  constructor(clock: Clock, onState: () => void) {
    this.#clock = clock;
    this.#onState = onState;
  }

  get present(): Phase {
    return this.#present;
  }

  get state(): UplinkState {
    return stateOf(this.#present);
  }

  /** It was online in a phase before the present one. */
  get wasOnline(): boolean {
    return this.#onlineBefore !== undefined;
  }

  /** How long it was online in all, ms. */
  get onlineTime(): number {
    return (this.#onlineBefore ?? 0) + this.#life;
  }

  /** Leaves the present phase; once a time of the new one is over, that one is called. */
  enter(phase: Phase, ...timers: readonly PhaseTimer[]): void {
    const former = this.state;
    if (this.#present.is === 'online') this.#onlineBefore = this.onlineTime;
    for (const timer of this.#timers) timer.cancel();
    this.#present = phase;
    this.#timers = timers.map(({ after, call }) => this.#clock.setTimer(call, after));
    if (this.state !== former) this.#onState();
  }

  get #life(): number {
    return this.#present.is === 'online' ? this.#clock.now() - this.#present.since : 0;
  }
}

export type Phase =
  /** Between two tries. */
  | { readonly is: 'waiting' }
  | { readonly is: 'connecting' }
  /** HELLO or RESUME is to be answered. Where a transport takes over from a silent one, nobody need know. */
  | { readonly is: 'greeting'; readonly seems: 'connecting' | 'online'; readonly transport: Transport }
  | Online
  | { readonly is: 'closed' };

export interface Online {
  readonly is: 'online';
  /** By the clock. */
  readonly since: number;
  /** Of the session, when it began. */
  readonly progress: number;
}

export interface PhaseTimer {
  /** ms. */
  readonly after: number;
  readonly call: () => void;
}

/** A phase from outside. `waiting` is the pause between two tries. */
export type UplinkState = 'connecting' | 'online' | 'waiting' | 'closed';

/** A pause begins. */
export interface Retry {
  readonly reason: string;
  /** Until the next try, ms, unless something makes it come before. */
  readonly delay: number;
  /** What has ended: a connection, a try, or a pause. */
  readonly former: UplinkState;
}

function stateOf(phase: Phase): UplinkState {
  return phase.is === 'greeting' ? phase.seems : phase.is;
}
