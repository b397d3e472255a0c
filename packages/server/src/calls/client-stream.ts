import type { Channel } from 'wsproxy-engine';
import { ChannelStream, type ChannelStreamOptions } from 'wsproxy-node/relay';

/**
 * A channel to a service of a client. As a socket: both halves end separately, a reset is an error, and what is written waits when the
 * client takes no more. It outlives the connection of the client, and fails with `SESSION_LOST` when that is away for too long.
 */
export class ClientStream extends ChannelStream {
  /** Id of the user whose client it is, and of the session that it is in, as observers are told. */
  readonly user: string;
  readonly session: string;
  /** What the client calls the service. */
  readonly service: string;

  /** It was opened in this turn. */
  #isFresh = true;

  constructor(channel: Channel, { user, session, service }: Called, options: ChannelStreamOptions) {
    super(channel, options);
    this.user = user;
    this.session = session;
    this.service = service;
    setImmediate(() => (this.#isFresh = false));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // Anyone who awaits it listens once this turn is over, and what comes may bring the answer and a reset at once.
    const isLate = error !== null && this.#isFresh;
    super._destroy(error, isLate ? (late) => void setImmediate(done, late) : done);
  }
}

/** Whom it leads to. */
export interface Called {
  readonly user: string;
  readonly session: string;
  readonly service: string;
}
