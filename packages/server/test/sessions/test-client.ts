import {
  type Channel,
  type FailureCode,
  Greeter,
  type Loss,
  MemoryTransport,
  Session,
  type SessionKey,
  type SessionOptions,
} from 'wsproxy-engine';
import type { FakeClock } from 'wsproxy-engine/testing';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import type { Caller } from '../../src/gateway/caller.js';
import type { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { User } from '../../src/users/user.js';

/** A session key whose bytes all have one value. */
export function key(value: number): SessionKey {
  return { id: Buffer.alloc(16, value), secret: Buffer.alloc(32, value) };
}

/** A RESUME by the letter of PROTOCOL.md section 3. */
export function resumeFrame({ id, secret }: SessionKey, attempt: number, received: number): Buffer {
  const rest = Buffer.alloc(12);
  rest.writeUInt32BE(attempt, 0);
  rest.writeBigUInt64BE(BigInt(received), 4);
  const payload = Buffer.concat([Buffer.of(1, 0, 0, 0), id, secret, rest]);
  return Buffer.concat([Buffer.of(0x81, 0, 0, payload.length, 0, 0, 0, 0), payload]);
}

/** A transport to a registry on which the test says what it likes. */
export class RawTransport {
  /** How the server closed it. */
  closeCode: number | undefined;
  readonly #near: MemoryTransport;

  constructor(registry: SessionRegistry, user: User, caller: Caller = {}) {
    const [near, far] = MemoryTransport.pair();
    near.receiver = {
      onBytes() {},
      onDrain() {},
      onText() {},
      onClose: (code) => {
        this.closeCode = code;
      },
    };
    this.#near = near;
    registry.accept(far, user, caller);
  }

  say(bytes: Buffer): this {
    this.#near.send([bytes]);
    this.#near.deliver();
    return this;
  }
}

/** A client of a registry, on memory transports. */
export class TestClient {
  readonly session: Session;
  readonly losses: Loss[] = [];
  readonly goAways: string[] = [];
  readonly key: SessionKey;
  welcomes = 0;
  /** Where its next transport comes from, and as what it shows itself. */
  address: string | undefined;
  version: string | undefined;
  /** Another process hands its next transport on. */
  isHanded = false;
  readonly #clock: FakeClock;
  readonly #greeter: Greeter;
  readonly #registry: SessionRegistry;
  readonly #user: User;
  #ends: MemoryTransport[] = [];

  constructor(
    registry: SessionRegistry,
    clock: FakeClock,
    user: User,
    value = 1,
    grace = 60_000,
    onCall?: SessionOptions['onCall'],
  ) {
    this.#registry = registry;
    this.#clock = clock;
    this.#user = user;
    this.key = key(value);
    this.session = new Session({
      role: 'client',
      clock,
      memory: newMemory(),
      onDetached: (loss) => this.losses.push(loss),
      onCall,
      onGoAway: (kind) => this.goAways.push(kind),
      onClosed() {},
    });
    this.#greeter = new Greeter(this.session, grace, this.key);
  }

  get grace(): number {
    return this.#greeter.grace;
  }

  /** Connects, or connects again; the old transport is left as it is. */
  connect(): this {
    this.#ends = MemoryTransport.pair();
    const [near, far] = this.#ends;
    if (near === undefined || far === undefined) throw new Error('no transport');
    const caller = { remoteAddress: this.address, version: this.version };
    this.#registry.accept(far, this.#user, { ...caller, ...(this.isHanded && { handed: true }) });
    this.#greeter.greet(near, () => {
      this.welcomes += 1;
    });
    return this.settle();
  }

  /** The network fails. */
  cut(): this {
    this.#ends[0]?.cut();
    return this.settle();
  }

  /** Delivers everything that waits, and lets acknowledgements leave. */
  settle(): this {
    for (let round = 0; round < 4; round++) {
      for (let moved = true; moved; ) {
        moved = this.#clock.runDeferred();
        for (const end of this.#ends) moved = end.deliver() || moved;
      }
      this.#clock.advance(5);
    }
    return this;
  }

  open(host = 'example.org'): Application {
    const application = new Application();
    application.channel = this.session.open({ host, port: 80 }, application);
    application.channel.start(application);
    this.settle();
    return application;
  }
}

/** What an application sees of its channel. */
export class Application {
  readonly events: string[] = [];
  channel: Channel | undefined;
  bytes = '';

  onOpen(): void {
    this.events.push('open');
  }
  onFail(code: FailureCode): void {
    this.events.push(`fail ${code}`);
  }
  onData(chunk: Buffer): void {
    this.bytes += chunk.toString();
    this.channel?.consumed(chunk.length);
  }
  onEnd(): void {
    this.events.push('end');
  }
  onReset(code: FailureCode): void {
    this.events.push(`reset ${code}`);
  }
  onWritable(): void {}
}
