import type { Clock, Tunnel } from 'wsproxy-engine';
import { ChannelStream } from 'wsproxy-node/relay';
import { ACCOUNT, type Quota, readQuota } from './read-account.js';

/** For so long what was told is new enough, ms: as long as nobody asks, nobody is asked. */
const FRESH = 30_000;

/** What the server has told of the quota; it is asked when somebody wants to know, and the answer is for the next time. */
export class QuotaWatch {
  readonly #tunnel: Tunnel;
  readonly #clock: Pick<Clock, 'now'>;
  #latest: Quota | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(tunnel: Tunnel, clock: Pick<Clock, 'now'>) {
    this.#tunnel = tunnel;
    this.#clock = clock;
  }

  /** Undefined as long as no server has told. `canAsk`: there is a server to ask. */
  look(canAsk: boolean): Quota | undefined {
    if (canAsk && this.#clock.now() - this.#askedAt >= FRESH) {
      this.#askedAt = this.#clock.now();
      this.#ask().then(
        (quota) => {
          this.#latest = quota;
        },
        // It is older than this program, or lost meanwhile.
        () => {},
      );
    }
    return this.#latest;
  }

  #ask(): Promise<Quota> {
    const channel = this.#tunnel.open(ACCOUNT, { onOpen() {}, onFail: (code) => channel.reset(code) });
    return readQuota(new ChannelStream(channel, { allowHalfOpen: true }));
  }
}
