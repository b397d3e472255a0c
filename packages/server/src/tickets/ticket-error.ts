/** No ticket was made. */
export class TicketError extends Error {
  override readonly name = 'TicketError';
  readonly code: TicketErrorCode;

  constructor(code: TicketErrorCode, options?: ErrorOptions) {
    super(WORDS[code], options);
    this.code = code;
  }
}

/**
 * `UNKNOWN_USER`: there is no such user, or none that may come in. `FOREIGN_ORIGIN`: `allowOrigins` does not name that origin.
 * `TOO_MANY_TICKETS`: 100 of the user, or 10,000 in all, are good and not spent. `STORE_AWAY`: what servers share cannot be
 * reached. `USER_TOO_LARGE`: the user takes more than 8,192 characters, or cannot be written as JSON.
 */
export type TicketErrorCode = 'UNKNOWN_USER' | 'FOREIGN_ORIGIN' | 'TOO_MANY_TICKETS' | 'STORE_AWAY' | 'USER_TOO_LARGE';

const WORDS: Readonly<Record<TicketErrorCode, string>> = {
  UNKNOWN_USER: 'no such user may come in',
  FOREIGN_ORIGIN: 'the origin is not among allowOrigins',
  TOO_MANY_TICKETS: 'too many tickets are good and not spent',
  STORE_AWAY: 'the store is away',
  USER_TOO_LARGE: 'the user is too large for a ticket',
};
