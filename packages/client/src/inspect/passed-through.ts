import { formatTarget, type Logger } from 'wsproxy-engine';
import type { Destination, Watcher } from './watcher.js';

/** What is not looked into: tells it once, and remembers what cannot be. */
export class PassedThrough {
  readonly #watcher: Watcher;
  readonly #logger: Logger;
  readonly #told = new Set<string>();
  /** Names that are not tried again. */
  readonly #names = new Set<string>();
  /** Those whose applications have trusted the CA. */
  readonly #trusting = new Set<string>();

  constructor(watcher: Watcher, logger: Logger) {
    this.#watcher = watcher;
    this.#logger = logger;
  }

  tell(where: Destination, reason: string): void {
    const key = `${formatTarget(where)} ${reason}`;
    if (this.#told.has(key)) return;
    remember(this.#told, key);
    this.#logger.info({ target: formatTarget(where), reason }, 'passes without being looked into');
    try {
      this.#watcher.onPassedThrough({ host: where.host, port: where.port }, reason);
    } catch {
      // The connection has nothing to do with it.
    }
  }

  /** From now on this name passes through. */
  giveUp(name: Destination, where: Destination, reason: string): void {
    remember(this.#names, formatTarget(name));
    this.tell(where, reason);
  }

  /** Tells all of it anew, and gives nobody up for what was before. */
  forget(): void {
    this.#told.clear();
    this.#names.clear();
  }

  isGivenUp(name: Destination): boolean {
    return this.#names.has(formatTarget(name));
  }

  /** An application has said something for this name to whom has shown it a certificate of the CA. */
  noteTrust(name: Destination): void {
    remember(this.#trusting, formatTarget(name));
  }

  isTrusted(name: Destination): boolean {
    return this.#trusting.has(formatTarget(name));
  }
}

/** The newest are the last; the oldest is forgotten when there are too many. */
function remember(set: Set<string>, key: string): void {
  set.delete(key);
  set.add(key);
  const [oldest] = set;
  if (set.size > MOST && oldest !== undefined) set.delete(oldest);
}

const MOST = 1_000;
