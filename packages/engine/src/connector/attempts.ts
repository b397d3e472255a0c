import type { Transport } from '../transport.js';
import { ConnectError } from './connect-error.js';

/** The web's way to give up, which Node has as well. */
declare const AbortController: new () => { readonly signal: AbortSignal; abort(): void };
type Attempt = InstanceType<typeof AbortController>;

/**
 * Attempts to connect to a server, side by side: anyone who thinks that one hangs begins another, without taking from a slow
 * path the time it needs. The first that succeeds ends the others.
 */
export class Attempts {
  readonly #connect: (signal: AbortSignal) => Promise<Transport>;
  readonly #underWay = new Set<Attempt>();

  constructor(connect: (signal: AbortSignal) => Promise<Transport>) {
    this.#connect = connect;
  }

  /** `onFailure` is told only when no other attempt is left, or none can help, or it says more than that there is no way. */
  begin(
    onTransport: (transport: Transport) => void,
    onFailure: (failure: ConnectError) => void,
    connect: (signal: AbortSignal) => Promise<Transport> = this.#connect,
  ): void {
    const attempt = new AbortController();
    this.#underWay.add(attempt);
    connect(attempt.signal).then(
      (transport) => {
        if (!this.#underWay.delete(attempt)) return transport.terminate();
        this.abort();
        onTransport(transport);
      },
      (error: unknown) => {
        if (!this.#underWay.delete(attempt)) return;
        const failure = error instanceof ConnectError ? error : new ConnectError(String(error), false);
        if (this.#underWay.size > 0 && !failure.permanent && !failure.isOwnerAway) return;
        this.abort();
        onFailure(failure);
      },
    );
  }

  get areUnderWay(): boolean {
    return this.#underWay.size > 0;
  }

  /** Ends every attempt; nothing is told of any. */
  abort(): void {
    const attempts = [...this.#underWay];
    this.#underWay.clear();
    for (const attempt of attempts) attempt.abort();
  }
}
