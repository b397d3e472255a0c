import type { Logger } from 'wsproxy-engine';
import type { Guard } from '../limits/guard.js';
import type { ServerObserver } from '../observe/observer.js';
import type { Exclusives } from '../store/exclusives.js';
import type { Holds } from './held.js';
import type { ListenRights } from './listen-rights.js';
import type { ListenPlace } from './rules/listen-place.js';

/** What serves all remote listeners. */
export interface ListenerService {
  readonly rights: ListenRights;
  /** What this server can listen by. */
  readonly holds: Holds;
  /** Whether this server listens there itself, or asks what does: no user ever listens there, no matter what the rules say. */
  readonly isOwn: (place: ListenPlace) => boolean;
  readonly guard: Guard;
  /** By which processes share names; undefined while there are no others. */
  readonly exclusives: () => Exclusives | undefined;
  readonly logger: Logger;
  readonly observer: ServerObserver;
  /** Whether log lines may say where users listen, and who comes. */
  readonly logTargets: boolean;
}
