import { toHex } from 'wsproxy-test-support/engine/bytes';
import { SESSION_ID, SESSION_SECRET } from 'wsproxy-test-support/engine/frames';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import type { OfferedChannel } from '../../src/channel/channel.js';
import { CloseCode } from '../../src/constants.js';
import { ProtocolError } from '../../src/errors.js';
import { SlabPool } from '../../src/memory/slab-pool.js';
import { MemoryTransport } from '../../src/memory-transport.js';
import { acceptTransport, type KeptSession, unknownSession } from '../../src/session/accept-transport.js';
import type { Carried } from '../../src/session/carried.js';
import { Greeter } from '../../src/session/greeter.js';
import { Session } from '../../src/session/session.js';
import type { Loss, SessionOptions } from '../../src/session/session-options.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import type { Transport } from '../../src/transport.js';

/** What happened to a session, in order. */
export interface SessionLog {
  readonly losses: Loss[];
  readonly closings: string[];
}

export type ServerOptions = Pick<
  SessionOptions,
  | 'lastChannel'
  | 'maxChannels'
  | 'maxFlows'
  | 'maxListeners'
  | 'onFlow'
  | 'onFlowRefused'
  | 'onIdle'
  | 'onListen'
  | 'onRoundTrip'
  | 'processBudgets'
  | 'replayPace'
> & {
  /** As `SessionOptions.onClosed` is told of what may go over. */
  readonly onClosed?: (unsent: readonly Carried[]) => void;
  /** As `SessionHost.route`. */
  readonly route?: string;
};

/** Where a test keeps the sessions of the server. */
export class SessionKeeper {
  readonly kept = new Map<string, KeptSession>();
  readonly offered: OfferedChannel[] = [];
  readonly log: SessionLog = { losses: [], closings: [] };
  readonly rejections: string[] = [];
  /** Of the server's sessions, and of anyone who is joined with them. */
  readonly memory: SlabPool;
  /** Called for each channel that a client opens. */
  onChannel: (channel: OfferedChannel) => void = () => {};
  readonly #clock: FakeClock;
  readonly #options: ServerOptions;

  constructor(clock: FakeClock, options: ServerOptions = {}) {
    this.#clock = clock;
    this.memory = new SlabPool(clock);
    this.#options = options;
  }

  /** The session that was created last. */
  get session(): Session {
    const kept = [...this.kept.values()].at(-1);
    if (kept === undefined) throw new Error('the server has no session');
    return kept.session;
  }

  /** Lets the server accept a transport. */
  serve(transport: Transport): void {
    const { route } = this.#options;
    acceptTransport(
      transport,
      {
        ...(route !== undefined && { route }),
        create: ({ id, secret, grace }) => this.#create(toHex(id), secret, grace),
        find: ({ id }) => {
          const kept = this.kept.get(toHex(id));
          if (kept === undefined) throw unknownSession();
          return kept;
        },
        onResumed() {},
        onRejected: (reason) => this.rejections.push(reason),
      },
      this.#clock,
    );
  }

  #create(id: string, secret: Uint8Array, grace: number): KeptSession {
    if (this.kept.has(id)) throw new ProtocolError('a session with that id exists', CloseCode.protocolError);
    const session = new Session({
      ...this.#options,
      role: 'server',
      clock: this.#clock,
      memory: this.memory,
      onChannel: (channel) => {
        this.offered.push(channel);
        this.onChannel(channel);
      },
      onDetached: (loss) => this.log.losses.push(loss),
      onClosed: (reason, unsent) => {
        this.log.closings.push(reason);
        this.kept.delete(id);
        this.#options.onClosed?.(unsent);
      },
    });
    const kept = { session, secret, attempt: 0, grace };
    this.kept.set(id, kept);
    return kept;
  }
}

/** A client session and a server that keeps sessions, joined by memory transports, on one hand-driven clock. */
export class SessionPair {
  readonly clock = new FakeClock();
  readonly client: Session;
  readonly keeper: SessionKeeper;
  readonly log: SessionLog = { losses: [], closings: [] };
  welcomes = 0;
  suspicions = 0;
  readonly #greeter: Greeter;
  #ends: [client: MemoryTransport, server: MemoryTransport] | undefined;

  constructor(options: ServerOptions = {}, clientOptions: Partial<SessionOptions> = {}) {
    this.keeper = new SessionKeeper(this.clock, options);
    this.client = new Session({
      ...clientOptions,
      role: 'client',
      clock: this.clock,
      memory: this.memory,
      onDetached: (loss) => this.log.losses.push(loss),
      onSuspicion: () => {
        this.suspicions += 1;
      },
      onClosed: (reason, unsent) => {
        this.log.closings.push(reason);
        clientOptions.onClosed?.(reason, unsent);
      },
    });
    this.#greeter = new Greeter(this.client, 120_000, { id: SESSION_ID, secret: SESSION_SECRET });
  }

  get memory(): SlabPool {
    return this.keeper.memory;
  }

  /** Where the client believes that its session lives. */
  get route(): string | undefined {
    return this.#greeter.route;
  }

  get server(): Session {
    return this.keeper.session;
  }

  /** The ends of the newest transport. */
  get ends(): [client: MemoryTransport, server: MemoryTransport] {
    if (this.#ends === undefined) throw new Error('there was no transport yet');
    return this.#ends;
  }

  /** Connects, or connects again, by a fresh transport. */
  connect(): this {
    this.#ends = MemoryTransport.pair();
    this.join(...this.#ends);
    return this;
  }

  /** Gives one end of a transport to the server, the other to the client. */
  join(client: Transport, server: Transport): void {
    this.keeper.serve(server);
    this.#greeter.greet(client, () => {
      this.welcomes += 1;
    });
  }

  /** Delivers everything, in both directions, until nothing moves any more. */
  settle(slice?: number): this {
    for (let moved = true; moved; ) {
      moved = this.clock.runDeferred();
      for (const end of this.#ends ?? []) moved = end.deliver(slice) || moved;
    }
    return this;
  }

  /** Delivers everything, and lets the delays of acknowledgements pass, until `condition` holds. */
  run(condition: () => boolean, slice?: number): this {
    for (let round = 0; !condition(); round++) {
      if (round === 10_000) throw new Error('the condition was never met');
      this.settle(slice);
      this.clock.advance(5);
    }
    return this;
  }

  /** Requests a channel; what the server does with it is for the test to say. */
  request(): Recorder {
    const near = new Recorder();
    return near.take(this.client.open({ host: 'example.org', port: 80 }, near));
  }

  /** Opens a channel whose server end is accepted and recorded. */
  open(): { near: Recorder; far: Recorder } {
    const far = new Recorder();
    this.keeper.onChannel = (channel) => {
      channel.accept();
      far.take(channel);
    };
    const near = this.request();
    this.settle();
    return { near, far };
  }

  /** The network fails, and everything under way is lost. */
  cut(): void {
    this.ends[0].cut();
  }
}
