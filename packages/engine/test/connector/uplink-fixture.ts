import { FakeNetwork } from 'wsproxy-test-support/engine/fake-network';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { Backoff } from '../../src/connector/backoff.js';
import { Uplink } from '../../src/connector/uplink.js';

/** How long the channels of an uplink under test wait for the way back, ms. */
export const GRACE = 60_000;

/** An uplink on a fake network, and everything that it tells. */
export class UplinkFixture {
  readonly network: FakeNetwork;
  readonly uplink: Uplink;
  /** The states it went through. */
  readonly path: string[] = ['waiting'];
  readonly events: string[] = [];
  readonly retries: string[] = [];
  resumes = 0;

  readonly backoff: Backoff;

  /** `random` decides the pauses between tries. `beside`: another session of the same client and server. */
  constructor(random = 0.5, beside?: UplinkFixture) {
    this.network = new FakeNetwork(beside?.network.clock);
    this.backoff = beside?.backoff ?? new Backoff(() => random);
    const { connect, clock, memory, logger } = this.network;
    this.uplink = new Uplink(
      {
        server: { name: 'the server', connect },
        clock,
        memory,
        logger,
        backoff: this.backoff,
        grace: GRACE,
      },
      {
        onState: ({ state }) => this.path.push(state),
        onRetry: (_uplink, { reason, former }) => this.retries.push(`${former}: ${reason}`),
        onResumed: () => {
          this.resumes += 1;
        },
        onRefused: (_uplink, { message }) => this.events.push(`refused: ${message}`),
        onUnreachable: () => {},
        onDraining: () => this.events.push('draining'),
        onUndialled: () => this.events.push('undialled'),
        onTurnedAway: () => this.events.push('turned away'),
        onIdle: () => this.events.push('idle'),
        onEnded: () => this.events.push('ended'),
      },
    );
  }

  /** An uplink that is online. */
  static async online(): Promise<UplinkFixture> {
    const fixture = new UplinkFixture();
    fixture.uplink.connect();
    await fixture.network.settle();
    return fixture;
  }

  /** The states since `mark`, as `a -> b`. */
  get transitions(): string {
    return this.path.join(' -> ');
  }

  open(optimistic = false): Recorder {
    const log = new Recorder();
    return log.take(this.uplink.open({ host: 'example.org', port: 80 }, log, optimistic));
  }

  /** Somebody on the way closes the connection; the server is not told. */
  lose(code = 1006, reason = 'for the test'): void {
    const { far } = this.network.connection;
    far.receiver = { onBytes() {}, onDrain() {}, onClose() {}, onText() {} };
    if (code === 1006) far.cut();
    else far.close(code, reason);
  }
}
