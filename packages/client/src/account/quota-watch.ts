import type { Clock, Tunnel } from 'wsproxy-engine';
import { askQuota, type Quota } from './ask-quota.js';

/** What servers have told of the quota. They are asked when somebody wants to know, one question at a time. */
export class QuotaWatch {
  readonly #tunnel: Tunnel;
  readonly #clock: Clock;
  readonly #server: () => string | undefined;
  #told: { readonly quota: Quota; readonly by: string } | undefined;
  /** The last question: when it was put, and to whom. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #asked: string | undefined;
  #asking: Promise<void> | undefined;

  /** `server`: the one that `tunnel` leads to, if there is one now that tells the account. */
  constructor(tunnel: Tunnel, clock: Clock, server: () => string | undefined) {
    this.#tunnel = tunnel;
    this.#clock = clock;
    this.#server = server;
  }

  /** What `server` has told last. */
  of(server: string): Quota | undefined {
    return this.#told?.by === server ? this.#told.quota : undefined;
  }

  /** The quota as of a moment ago, or as it was told last when no answer comes now. Undefined: there is no server now that tells it. */
  async look(): Promise<Quota | undefined> {
    const server = this.#server();
    if (server === undefined) return undefined;
    if (this.#isDue(server)) await this.#asking;
    if (this.#isDue(server)) this.#asking = this.#ask(server);
    await this.#asking;
    return this.of(server);
  }

  /** The server has refused something since the quota is used up: anyone who looks next is to see that. */
  noteUsedUp(): void {
    const { bytes = 0, limit = Number.POSITIVE_INFINITY } = this.#told?.quota ?? {};
    if (bytes < limit) this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  #isDue(server: string): boolean {
    return this.#asked !== server || this.#clock.now() - this.#askedAt >= FRESH;
  }

  async #ask(server: string): Promise<void> {
    this.#asked = server;
    this.#askedAt = this.#clock.now();
    try {
      this.#told = { quota: await askQuota(this.#tunnel, this.#clock), by: server };
    } catch {
      // It was lost meanwhile, or does not answer: what it told before stands.
    }
  }
}

/** For so long what was told is new enough, and a server that gave no answer is left alone, ms. */
const FRESH = 10_000;
