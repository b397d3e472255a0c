import type { Clock, Logger, Timer, Transport } from 'wsproxy-engine';
import type { WayBack } from '../reach/way-back.js';
import type { Attempts, KnownServer } from './attempts.js';

/** Tries, from time to time, a better way to the server than the one that carries a session; what runs goes on there. */
export class BetterWay {
  readonly #options: BetterWayOptions;
  #timer: Timer | undefined;

  constructor(options: BetterWayOptions) {
    this.#options = options;
  }

  /** From now on, while `transport` carries the session. */
  watch(transport: Transport): void {
    this.end();
    const { server, clock } = this.#options;
    const after = server.ways?.betterIn(transport) ?? Number.POSITIVE_INFINITY;
    if (Number.isFinite(after)) this.#timer = clock.setTimer(() => this.#try(transport), Math.max(0, after));
  }

  end(): void {
    this.#timer?.cancel();
  }

  #try(transport: Transport): void {
    const { server, attempts, wayBack, logger, onTransport } = this.#options;
    const { connectBetter } = server;
    if (connectBetter === undefined) return;
    logger.debug(server.ways?.fieldsOf(transport) ?? {}, 'trying a better way to the server');
    const onFailure = ({ message }: Error): void => {
      logger.debug({ reason: message }, 'no better way to the server');
      this.watch(transport);
    };
    attempts.begin(onTransport, onFailure, (signal) => connectBetter(signal, wayBack, transport));
  }
}

export interface BetterWayOptions {
  readonly server: KnownServer;
  readonly attempts: Attempts;
  readonly wayBack: WayBack;
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly logger: Logger;
  readonly onTransport: (transport: Transport) => void;
}
