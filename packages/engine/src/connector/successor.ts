import type { Clock, Timer } from '../clock.js';
import type { Logger } from '../logger.js';
import type { Loss } from '../session/session-options.js';
import type { Transport } from '../transport.js';
import { Attempts } from './attempts.js';
import type { Greeting, KnownServer, WayStatus } from './known-server.js';

/**
 * Opens the next transport of a session whose present one is good: from time to time by a better way to the server, and ahead of somebody
 * who cuts all of them at one age. Nothing that runs has to wait for longer than the answer to RESUME.
 */
export class Successor {
  readonly #options: SuccessorOptions;
  /** Apart from the others: what comes of these is nobody else's business. */
  readonly #attempts: Attempts;
  #timers: Timer[] = [];
  #present: { readonly transport: Transport; readonly since: number } | undefined;

  constructor(options: SuccessorOptions) {
    this.#options = options;
    const { server, greeting } = options;
    this.#attempts = new Attempts((signal) => server.connect(signal, greeting));
  }

  /** What carries the session, and why; undefined while nothing does. */
  get way(): WayStatus | undefined {
    return this.#present && this.#options.server.ways?.statusOf(this.#present.transport);
  }

  /** From now on `transport` carries the session. */
  watch(transport: Transport): void {
    this.end();
    const { server, clock } = this.#options;
    this.#present = { transport, since: clock.now() };
    this.#lookIn(server.ways?.betterIn(transport));
    this.#callIn(server.ways?.safeAge(transport), () => this.#goAhead());
  }

  /** Nothing carries it now, or something else does. */
  end(): void {
    this.#present = undefined;
    for (const timer of this.#timers.splice(0)) timer.cancel();
    this.#attempts.abort();
  }

  /** What carries it was lost. `isBarren`: it has brought nothing, though the session waits for something. */
  onLost({ code }: Loss, isBarren: boolean): void {
    const { server, clock } = this.#options;
    // What the server has a word for is nobody's cut.
    if (this.#present === undefined || code >= FIRST_OF_SERVER) return;
    const { transport, since } = this.#present;
    server.ways?.onCut(transport, clock.now() - since, isBarren);
  }

  #lookIn(time: number | undefined): void {
    this.#callIn(time, () => this.#tryBetter());
  }

  #callIn(time: number | undefined, call: () => void): void {
    if (time === undefined || time === Number.POSITIVE_INFINITY) return;
    this.#timers.push(this.#options.clock.setTimer(call, Math.max(0, time)));
  }

  #tryBetter(): void {
    const { server, greeting, logger, onTransport } = this.#options;
    const { connectBetter, ways } = server;
    const transport = this.#present?.transport;
    if (connectBetter === undefined || transport === undefined) return;
    logger.debug(ways?.fieldsOf(transport) ?? {}, 'trying a better way to the server');
    const onFailure = ({ message }: Error): void => {
      logger.debug({ reason: message }, 'no better way to the server');
      this.#lookIn(ways?.betterIn(transport));
    };
    this.#attempts.begin(onTransport, onFailure, (signal) => connectBetter(signal, greeting, transport));
  }

  #goAhead(): void {
    const { logger, onTransport } = this.#options;
    logger.debug({ reason: 'somebody on the way cuts them at this age' }, 'trying another transport');
    this.#attempts.begin(onTransport, ({ message }) => logger.info({ reason: message }, 'no other transport'));
  }
}

export interface SuccessorOptions {
  readonly server: KnownServer;
  readonly greeting: Greeting;
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly logger: Logger;
  readonly onTransport: (transport: Transport) => void;
}

/** Close codes from here on are those of the server (PROTOCOL.md section 10). */
const FIRST_OF_SERVER = 4_000;
