import { hello, SESSION_ID, SESSION_SECRET } from 'wsproxy-test-support/engine/frames';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { zeros } from '../../src/bytes.js';
import { Greeter, type NextGreeting } from '../../src/session/greeter.js';
import { Session } from '../../src/session/session.js';
import type { SessionOptions } from '../../src/session/session-options.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { type ServerOptions, SessionKeeper, type SessionLog } from './session-pair.js';

/** A server session under test, whose client is played by the test. */
export class RawClient {
  readonly clock = new FakeClock();
  readonly keeper: SessionKeeper;

  constructor(options: ServerOptions = {}) {
    this.keeper = new SessionKeeper(this.clock, options);
  }

  /** A transport on which nothing was said. */
  connect(): RawPeer {
    const peer = new RawPeer(this.clock);
    this.keeper.serve(peer.transport);
    return peer;
  }

  /** A transport on which HELLO was said and answered. */
  greeted(): RawPeer {
    return this.connect().say(hello());
  }
}

/** A client session under test, whose server is played by the test. */
export class RawServer {
  readonly clock = new FakeClock();
  readonly log: SessionLog = { losses: [], closings: [] };
  readonly session: Session;
  welcomes = 0;
  suspicions = 0;
  /** As the answers to PINGs tell them, ms. */
  readonly roundTrips: number[] = [];
  readonly #greeter: Greeter;

  constructor(options: Pick<SessionOptions, 'maxChannels' | 'onCall'> = {}) {
    this.session = new Session({
      ...options,
      role: 'client',
      clock: this.clock,
      memory: newMemory(),
      onDetached: (loss) => this.log.losses.push(loss),
      onRoundTrip: (time) => this.roundTrips.push(time),
      onSuspicion: () => {
        this.suspicions += 1;
      },
      onClosed: (reason) => this.log.closings.push(reason),
    });
    this.#greeter = new Greeter(this.session, 120_000, { id: SESSION_ID, secret: SESSION_SECRET });
  }

  /** How long the client believes that it may stay away, ms. */
  get grace(): number {
    return this.#greeter.grace;
  }

  /** Where the client believes that its session lives. */
  get route(): string | undefined {
    return this.#greeter.route;
  }

  /** What the client says that its next greeting will be. */
  get next(): NextGreeting {
    return this.#greeter.next;
  }

  /** A transport on which the client has greeted, and waits for the answer. */
  connect(): RawPeer {
    const peer = new RawPeer(this.clock);
    this.#greeter.greet(peer.transport, () => {
      this.welcomes += 1;
    });
    return peer.settle();
  }

  /** A transport on which HELLO was said and answered. */
  greeted(): RawPeer {
    return this.connect().say(hello({ secret: zeros(32) }));
  }
}
