import type { OpenedListener } from '../observe/observer.js';

/** A living remote listener, for people and metrics to read. */
export interface ListenerInfo extends Pick<OpenedListener, 'listener' | 'name'> {
  /** Whether it listens for this session; false while it stands by, since another client of the user has it. */
  readonly open: boolean;
  /** Since its client has asked for it. */
  readonly ageMs: number;
  /** Connections that its client has not answered yet. */
  readonly waiting: number;
  /** Connections that have come to it in all. */
  readonly arrivals: number;
}
