import type { Clock, FailureCode, Logger } from 'wsproxy-engine';
import { FloodLog } from './flood-log.js';

/** What channels fail with that were never dialled: no turn keeps them from coming as fast as somebody asks for them. */
const AT_ONCE: ReadonlySet<string> = new Set<FailureCode>(['GOING_AWAY', 'LIMIT_REACHED', 'QUOTA_USED_UP']);

/** The lines that the log has of what became of channels: one each, unless a user floods it with refused ones. */
export class ChannelLines {
  readonly #logger: Logger;
  readonly #refused: FloodLog;

  constructor(logger: Logger, clock: Pick<Clock, 'now' | 'setTimer'>) {
    this.#logger = logger;
    this.#refused = new FloodLog((fields, message) => logger.info(fields, message), clock);
  }

  write(user: string, outcome: 'ok' | FailureCode, fields: object, message: string): void {
    if (AT_ONCE.has(outcome)) this.#refused.write({ source: user, cause: outcome }, fields, message);
    else this.#logger.info(fields, message);
  }

  /** Nothing more comes. */
  close(): void {
    this.#refused.flush();
  }
}
