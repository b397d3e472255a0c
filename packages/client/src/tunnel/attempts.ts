import type { Transport } from 'wsproxy-engine';
import { ConnectError } from '../reach/connect-error.js';
import type { WayBack } from '../reach/way-back.js';
import type { Ways } from '../reach/ways.js';

/**
 * Attempts to connect to a server, side by side: anyone who thinks that one hangs begins another, without taking from a slow
 * path the time it needs. The first that succeeds ends the others.
 */
export class Attempts {
  readonly #connect: (signal: AbortSignal) => Promise<Transport>;
  readonly #underWay = new Set<AbortController>();

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

/** A server, and the way to it. */
export interface KnownServer {
  /** For the log and the status: its URL. */
  readonly name: string;
  /** Opens a transport for the session that `wayBack` is of; rejects with ConnectError. `signal` gives up. */
  readonly connect: (signal: AbortSignal, wayBack: WayBack) => Promise<Transport>;
  /** The same by a better way than that of `transport`. */
  readonly connectBetter?: (signal: AbortSignal, wayBack: WayBack, transport: Transport) => Promise<Transport>;
  /** Those that lead there. Default: there is one. */
  readonly ways?: Pick<
    Ways,
    ('fieldsOf' | 'statusOf' | 'greetingTime' | 'betterIn' | 'safeAge') | ('onAnswered' | 'onUnwelcome' | 'onCut')
  >;
}
