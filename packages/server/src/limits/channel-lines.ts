import type { Clock, FailureCode, Logger } from 'wsproxy-engine';
import { FloodLog } from './flood-log.js';

/** What channels fail with that were never dialled: no turn keeps them from coming as fast as somebody asks for them. */
const AT_ONCE: ReadonlySet<string> = new Set<FailureCode>(['GOING_AWAY', 'LIMIT_REACHED', 'QUOTA_USED_UP']);

/** The lines that the log has of what became of channels and flows: one each, unless a user floods it with refused ones. */
export class ChannelLines {
  readonly #logger: Logger;
  readonly #refused: FloodLog;

  constructor(logger: Logger, clock: Pick<Clock, 'now' | 'setTimer'>) {
    this.#logger = logger;
    this.#refused = new FloodLog((fields, message) => logger.info(fields, message), clock);
  }

  /**
   * `refused` if this server has done so. What a user has reset a channel with has no say in it: by a code of which only some
   * are written anybody could keep what they do out of the log.
   */
  write(refused: Refused | undefined, fields: object, message: string): void {
    if (refused === undefined || !AT_ONCE.has(refused.code)) return this.#logger.info(fields, message);
    this.#refused.write({ source: refused.user, cause: refused.code }, fields, message);
  }

  /** Of what costs anyone who causes it nothing, and has done nothing: of many only some lines. `cause`: of few that there are. */
  writeSome(user: string, cause: string, fields: object, message: string): void {
    this.#refused.write({ source: user, cause }, fields, message);
  }

  /** Nothing more comes. */
  close(): void {
    this.#refused.flush();
  }
}

/** Whose channel it was, and why this server has refused it. */
interface Refused {
  readonly user: string;
  readonly code: string;
}
