import type { Channel } from '../../src/channel/channel.js';
import type { ChannelSink, OpenHandler } from '../../src/channel/handlers.js';
import type { FailureCode } from '../../src/failures.js';
import { acceptTransport, Greeter, type KeptSession, unknownSession } from '../../src/session/handshake.js';
import { type Loss, Session } from '../../src/session/session.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { MemoryTransport } from '../../src/testing/memory-transport.js';

/** Records what a channel brings, and gives credit back at once unless `stopped`. */
export class Recorder implements ChannelSink, OpenHandler {
  channel: Channel | undefined;
  stopped = false;
  opened = 0;
  failure: FailureCode | undefined;
  ended = 0;
  resetWith: FailureCode[] = [];
  writable = 0;
  readonly #chunks: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  take(channel: Channel): this {
    this.channel = channel;
    channel.start(this);
    return this;
  }

  onOpen(): void {
    this.opened += 1;
  }
  onFail(code: FailureCode): void {
    this.failure = code;
  }
  onData(chunk: Buffer): void {
    this.#chunks.push(Buffer.from(chunk));
    if (!this.stopped) this.channel?.consumed(chunk.length);
  }
  onEnd(): void {
    this.ended += 1;
  }
  onReset(code: FailureCode): void {
    this.resetWith.push(code);
  }
  onWritable(): void {
    this.writable += 1;
  }
}

/** A client session and a server that keeps sessions, joined by memory transports, on one hand-driven clock. */
export class SessionPair {
  readonly clock = new FakeClock();
  readonly client: Session;
  readonly kept = new Map<string, KeptSession>();
  readonly offered: Channel[] = [];
  readonly losses: Loss[] = [];
  readonly closings: string[] = [];
  readonly rejections: string[] = [];
  readonly serverLosses: Loss[] = [];
  readonly serverClosings: string[] = [];
  welcomes = 0;
  /** Called for each channel that reaches the server. */
  onChannel: (channel: Channel) => void = () => {};
  ends: [client: MemoryTransport, server: MemoryTransport] | undefined;
  readonly #greeter: Greeter;

  constructor(options: { maxChannels?: number } = {}) {
    this.client = new Session({
      role: 'client',
      clock: this.clock,
      onDetached: (loss) => this.losses.push(loss),
      onClosed: (reason) => this.closings.push(reason),
    });
    const key = { id: Buffer.alloc(16, 7), secret: Buffer.alloc(32, 9) };
    this.#greeter = new Greeter(this.client, key, 120_000);
    this.options = options;
  }

  readonly options: { maxChannels?: number };

  get server(): Session {
    const [kept] = this.kept.values();
    if (kept === undefined) throw new Error('the server has no session yet');
    return kept.session;
  }

  /** Connects (again), by a fresh transport. */
  connect(): this {
    this.ends = MemoryTransport.pair();
    this.serve(this.ends[1]);
    this.#greeter.greet(this.ends[0], () => {
      this.welcomes += 1;
    });
    return this;
  }

  /** Lets the server accept a transport. */
  serve(transport: MemoryTransport): void {
    const keep = (id: Buffer, kept: KeptSession): KeptSession => {
      this.kept.set(id.toString('hex'), kept);
      return kept;
    };
    acceptTransport(
      transport,
      {
        create: (hello) => {
          const session = new Session({
            role: 'server',
            clock: this.clock,
            ...this.options,
            onChannel: (channel) => {
              this.offered.push(channel);
              this.onChannel(channel);
            },
            onDetached: (loss) => this.serverLosses.push(loss),
            onClosed: (reason) => {
              this.serverClosings.push(reason);
              this.kept.delete(hello.id.toString('hex'));
            },
          });
          return keep(hello.id, { session, secret: hello.secret, attempt: 0, grace: hello.grace });
        },
        find: (resume) => {
          const kept = this.kept.get(resume.id.toString('hex'));
          if (kept === undefined) throw unknownSession();
          return kept;
        },
        onRejected: (reason) => this.rejections.push(reason),
      },
      this.clock,
    );
  }

  /** Delivers everything, in both directions, until nothing moves any more. */
  settle(slice?: number): this {
    for (let moved = true; moved; ) {
      moved = this.clock.runDeferred();
      for (const end of this.ends ?? []) moved = end.deliver(slice) || moved;
    }
    return this;
  }

  /** Opens a channel whose server end is accepted and recorded. */
  open(): { near: Recorder; far: Recorder } {
    const far = new Recorder();
    this.onChannel = (channel) => {
      channel.accept();
      far.take(channel);
    };
    const near = new Recorder();
    near.take(this.client.open({ host: 'example.org', port: 80 }, near));
    this.settle();
    return { near, far };
  }
}
