import type { Watcher } from '../inspect/watcher.js';

export interface InspectOptions {
  /** Destinations to look into: as of `bypass`, but each names hosts. */
  readonly rules: readonly string[];
  /** Where the CA is kept, with its key; it is made when it is not there. */
  readonly folder: string;
  readonly watcher: Watcher;
}
