import type { Transport } from 'wsproxy-engine';
import { ConnectError } from '../reach/connect-error.js';

/** Opens a transport; rejects with ConnectError. `signal` gives up. */
export type Dial = (signal: AbortSignal) => Promise<Transport>;

/** A server, and the way to it. */
export interface ServerRoute {
  /** For the log and the status: its URL. */
  readonly name: string;
  readonly dial: Dial;
}

/**
 * Attempts to open a transport, side by side: whoever thinks that one hangs begins another, without taking from a slow
 * path the time it needs. The first that succeeds ends the others.
 */
export class Dialing {
  readonly #dial: Dial;
  readonly #attempts = new Set<AbortController>();

  constructor(dial: Dial) {
    this.#dial = dial;
  }

  /** `onFailure` is told only when no other attempt is left, or none can help. */
  begin(onTransport: (transport: Transport) => void, onFailure: (failure: ConnectError) => void): void {
    const attempt = new AbortController();
    this.#attempts.add(attempt);
    this.#dial(attempt.signal).then(
      (transport) => {
        if (!this.#attempts.delete(attempt)) return transport.terminate();
        this.abort();
        onTransport(transport);
      },
      (error: unknown) => {
        if (!this.#attempts.delete(attempt)) return;
        const failure = error instanceof ConnectError ? error : new ConnectError(String(error), false);
        if (this.#attempts.size > 0 && !failure.permanent) return;
        this.abort();
        onFailure(failure);
      },
    );
  }

  /** Ends every attempt; nothing is told of any. */
  abort(): void {
    const attempts = [...this.#attempts];
    this.#attempts.clear();
    for (const attempt of attempts) attempt.abort();
  }
}
