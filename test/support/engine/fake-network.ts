import {
  acceptTransport,
  type KeptSession,
  type Logger,
  MemoryTransport,
  type OfferedChannel,
  type OfferedFlow,
  type OfferedListener,
  type ProtocolError,
  Session,
  type SessionKey,
  unknownSession,
} from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { ConnectError, type KnownServer } from '../../../packages/engine/src/connector/index.js';
import { toHex } from './bytes.js';
import { newMemory } from './new-memory.js';
import { Recorder } from './recorder.js';
import { settled } from './settled.js';

/** One connection between client and server. */
export interface Connection {
  readonly near: MemoryTransport;
  readonly far: MemoryTransport;
  /** Brings nothing any more, and does not tell so. */
  silent: boolean;
}

/** What becomes of a dial: a connection, nothing at all until it is given up, or a failure. */
export type Route = 'open' | 'hanging' | ConnectError;

const OWNER_AWAY: ConnectError = new ConnectError('its process does not answer', false, {
  isOwnerAway: true,
  retryAfter: 1_000,
});

/** A message may need this many turns of the event loop between two steps of the clock, ms. */
const STEP = 100;

/** A server and the way to it, which do as the test says, on a hand-driven clock. */
export class FakeNetwork {
  readonly clock: FakeClock;
  /** Of both ends. */
  readonly memory = newMemory();
  route: Route = 'open';
  /** The process that has the sessions so far does not answer: what asks for them is turned away, what is new is served. */
  ownerIsAway = false;
  /** Attempts to connect so far, and those that are still under way. */
  attempts = 0;
  readonly hanging = new Set<() => void>();
  readonly connections: Connection[] = [];

  /** Every HELLO is turned away with this. */
  refusal: ProtocolError | undefined;
  /** The server takes connections, and says nothing. */
  mute = false;
  /** The grace that the server grants at most, ms. */
  grace = 120_000;
  readonly sessions = new Map<string, KeptSession>();
  /** What the server does with a session that it has just begun. */
  onSession: (session: Session) => void = () => {};
  /** What the server does with a channel; accepts it by default. */
  onChannel: (channel: OfferedChannel) => void = (channel) => {
    channel.accept();
    this.far.push(new Recorder().take(channel));
  };
  /** What the server does with a flow; accepts it by default. Undefined: it knows none. */
  onFlow: ((flow: OfferedFlow) => void) | undefined = (flow) => flow.accept();
  /** What the server does with a listener, and in which session. Undefined: it knows none. */
  onListen: ((listener: OfferedListener, session: Session) => void) | undefined;
  /** The server's ends of the channels that were accepted. */
  readonly far: Recorder[] = [];
  /** Why sessions of the server ended. */
  readonly endings: string[] = [];

  /** Everything that was logged, of all times. */
  readonly lines: { level: string; message: string; fields: object }[] = [];
  readonly #log = (level: string) => (fields: object, message: string) =>
    void this.lines.push({ level, message, fields });
  readonly logger: Logger = {
    ...{ debug: this.#log('debug'), info: this.#log('info') },
    ...{ warn: this.#log('warn'), error: this.#log('error') },
  };

  readonly connect: KnownServer['connect'] = (signal, { next }) => {
    this.attempts += 1;
    if (this.ownerIsAway && next.resumes) return Promise.reject(OWNER_AWAY);
    if (this.route instanceof ConnectError) return Promise.reject(this.route);
    if (this.route === 'open') return Promise.resolve(this.#connect());
    return new Promise((resolve, reject) => {
      const succeed = (): void => {
        this.hanging.delete(succeed);
        resolve(this.#connect());
      };
      this.hanging.add(succeed);
      signal.addEventListener('abort', () => {
        this.hanging.delete(succeed);
        reject(new ConnectError('given up', false));
      });
    });
  };

  constructor(clock: FakeClock = new FakeClock()) {
    this.clock = clock;
  }

  /** The newest connection. */
  get connection(): Connection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('there is no connection yet');
    return connection;
  }

  /** The one session that the server has. */
  get session(): Session {
    const [kept, ...others] = this.sessions.values();
    if (kept === undefined || others.length > 0) throw new Error(`the server has ${this.sessions.size} sessions`);
    return kept.session;
  }

  /** What was logged with a message, of all times. */
  logged(message: string): object[] {
    return this.lines.filter((line) => line.message === message).map(({ fields }) => fields);
  }

  /** The server is started again, and remembers nothing. */
  forget(): void {
    this.sessions.clear();
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let moved = true; moved; ) {
      // The promises of attempts to connect.
      await settled();
      moved = this.clock.runDeferred();
      for (const { near, far, silent } of this.connections) {
        if (silent) continue;
        moved = near.deliver() || moved;
        moved = far.deliver() || moved;
      }
    }
  }

  /** Lets time pass, with everything that happens in it. */
  async pass(milliseconds: number): Promise<void> {
    await this.settle();
    for (let left = milliseconds; left > 0; left -= STEP) {
      this.clock.advance(Math.min(left, STEP));
      await this.settle();
    }
  }

  /** Lets time pass until `condition` holds, and tells how much that was. */
  async passUntil(condition: () => boolean, limit = 120_000): Promise<number> {
    const start = this.clock.now();
    await this.settle();
    while (!condition()) {
      if (this.clock.now() - start >= limit) throw new Error(`not within ${limit} ms: ${condition}`);
      await this.pass(STEP);
    }
    return this.clock.now() - start;
  }

  #connect(): MemoryTransport {
    const [near, far] = MemoryTransport.pair();
    this.connections.push({ near, far, silent: false });
    if (!this.mute) this.#serve(far);
    return near;
  }

  #serve(far: MemoryTransport): void {
    const host = {
      create: (hello: SessionKey & { grace: number }) => this.#create(hello),
      find: ({ id }: SessionKey) => {
        const kept = this.sessions.get(toHex(id));
        if (kept === undefined) throw unknownSession();
        return kept;
      },
      onResumed() {},
      onRejected: (reason: string) => this.endings.push(reason),
    };
    acceptTransport(far, host, this.clock);
  }

  #create({ id, secret, grace }: SessionKey & { grace: number }): KeptSession {
    if (this.refusal !== undefined) throw this.refusal;
    const { onFlow, onListen } = this;
    const session: Session = new Session({
      role: 'server',
      clock: this.clock,
      memory: this.memory,
      onChannel: (channel) => this.onChannel(channel),
      ...(onFlow !== undefined && { onFlow }),
      ...(onListen !== undefined && { onListen: (listener: OfferedListener) => onListen(listener, session) }),
      onDetached() {},
      onClosed: (reason) => {
        this.endings.push(reason);
        this.sessions.delete(toHex(id));
      },
    });
    const kept = { session, secret, attempt: 0, grace: Math.min(grace, this.grace) };
    this.sessions.set(toHex(id), kept);
    // Behind the answer to HELLO.
    this.clock.defer(() => this.onSession(session));
    return kept;
  }
}

/** Lets time pass in several networks of one clock, with everything that happens in them, and from one to another. */
export async function passIn(networks: readonly FakeNetwork[], clock: FakeClock, milliseconds: number): Promise<void> {
  for (let left = milliseconds; left >= 0; left -= 100) {
    for (let i = 0; i < 3; i++) for (const network of networks) await network.settle();
    if (left > 0) clock.advance(Math.min(left, 100));
  }
}
