import type { Clock } from 'wsproxy-engine';
import type { ListenerStatus } from '../tunnel/client-status.js';

/** Every remote listener of a client that is not closed, and what has come to each. */
export class ListenerLedger {
  readonly #clock: Clock;
  readonly #onChange: (listener: ListenerStatus) => void;
  readonly #entries = new Set<ListenerEntry>();
  #lastId = 0;

  constructor(clock: Clock, onChange: (listener: ListenerStatus) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** `listen` and `target`: see `ListenerStatus`. `stand` says how it stands; anyone who has it says when that has changed. */
  enter(named: Pick<ListenerStatus, 'listen' | 'target'>, stand: () => ListenerStand): ListenerEntry {
    this.#lastId += 1;
    const entry = new ListenerEntry({ id: this.#lastId, ...named }, stand, this.#clock, (status) => {
      if (status.state === 'closed') this.#entries.delete(entry);
      this.#onChange(status);
    });
    this.#entries.add(entry);
    return entry;
  }

  /** Oldest first. */
  status(): readonly ListenerStatus[] {
    return [...this.#entries].map((entry) => entry.status);
  }
}

/** How a remote listener stands. */
export type ListenerStand = Pick<ListenerStatus, 'state' | 'address' | 'server' | 'failure' | 'reason'>;

/** One of them. */
export class ListenerEntry {
  readonly #named: Pick<ListenerStatus, 'id' | 'listen' | 'target'>;
  readonly #stand: () => ListenerStand;
  readonly #clock: Clock;
  readonly #onChange: (status: ListenerStatus) => void;
  #state: ListenerStatus['state'];
  /** By the clock. */
  #since: number;
  #arrivals = 0;
  #arrivalsSoFar = 0;

  constructor(
    named: Pick<ListenerStatus, 'id' | 'listen' | 'target'>,
    stand: () => ListenerStand,
    clock: Clock,
    onChange: (status: ListenerStatus) => void,
  ) {
    this.#named = named;
    this.#stand = stand;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#state = stand().state;
    this.#since = clock.now();
  }

  get status(): ListenerStatus {
    return {
      ...this.#named,
      ...this.#stand(),
      sinceMs: Math.round(this.#clock.now() - this.#since),
      arrivals: this.#arrivals,
      arrivalsSoFar: this.#arrivalsSoFar,
    };
  }

  /** It stands another way than before. */
  changed(): void {
    const { state } = this.#stand();
    if (state !== this.#state) this.#since = this.#clock.now();
    this.#state = state;
    this.#onChange(this.status);
  }

  /** A channel, or a flow, has come to it. */
  arrived(one: Arrived): void {
    this.#arrivals += 1;
    this.#arrivalsSoFar += 1;
    one.onOver(() => (this.#arrivals -= 1));
  }
}

interface Arrived {
  onOver(listener: () => void): void;
}
