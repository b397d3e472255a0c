import type { Watcher } from '../inspect/watcher.js';

export interface InspectOptions {
  /** Destinations to look into: as of `bypass`, but each names hosts. */
  readonly rules: readonly string[];
  /** Where the CA is kept, with its key; it is made when it is not there. */
  readonly folder: string;
  /**
   * Is told what passes. Without it the client keeps the last 2,000 exchanges, in at most 64 MiB, for the status page and
   * `archive`.
   */
  readonly watcher?: Watcher;
  /**
   * A file for all exchanges, whose name ends in `.har`, in the format HAR 1.2 of browsers; one that is there already is continued.
   * Not with `watcher`. Undefined by default.
   */
  readonly archive?: string;
  /**
   * A file with a module that sees requests, answers and messages, and may change them: its default export is an `InspectScript`. It
   * runs in a thread of its own, with all that this user may do. Undefined by default.
   */
  readonly script?: string;
  /** Whether the status page and the archive have passwords, tokens and cookies too; they are masked by default. Default false. */
  readonly secrets?: boolean;
}
