import {
  acceptTransport,
  type Channel,
  CloseCode,
  Greeter,
  type KeptSession,
  MemoryTransport,
  type OfferedChannel,
  Session,
  type SessionHost,
  systemClock,
  systemMemory,
  unknownSession,
} from 'wsproxy-engine';

/** A client and a server session in real time, for tests with real sockets; the transport between them is in memory. */
export class LivePair {
  readonly client: Session;
  server: Session | undefined;
  readonly #greeter: Greeter;
  readonly #host: SessionHost<KeptSession>;
  #ends = MemoryTransport.pair();
  #pump: NodeJS.Immediate | undefined;
  #isSilent = false;
  #closed = false;

  /** `onChannel` gets what the client opens. */
  constructor(onChannel: (channel: OfferedChannel) => void) {
    this.client = new Session({
      role: 'client',
      clock: systemClock,
      memory: systemMemory,
      onDetached() {},
      onClosed() {},
    });
    let kept: KeptSession | undefined;
    this.#host = {
      create: (hello) => {
        const session = new Session({
          role: 'server',
          clock: systemClock,
          memory: systemMemory,
          onChannel,
          onDetached() {},
          onClosed() {},
        });
        this.server = session;
        kept = { session, secret: hello.secret, attempt: 0, grace: hello.grace };
        return kept;
      },
      find() {
        if (kept === undefined) throw unknownSession();
        return kept;
      },
      onResumed() {},
      onRejected() {},
    };
    this.#greeter = new Greeter(this.client, 1_000);
    this.#greet();
    this.#deliver();
  }

  /** The transport is lost: what was under way is sent again by `reconnect`. */
  cut(): void {
    this.#isSilent = false;
    this.#ends[0].cut();
  }

  reconnect(): void {
    this.#ends = MemoryTransport.pair();
    this.#greet();
  }

  /** The server has a transport, over which nothing comes from there on, in either direction. */
  reconnectSilent(): void {
    this.reconnect();
    this.#ends[0].deliver();
    this.#isSilent = true;
  }

  #greet(): void {
    acceptTransport(this.#ends[1], this.#host, systemClock);
    this.#greeter.greet(this.#ends[0], () => {});
  }

  #deliver(): void {
    if (this.#closed) return;
    if (!this.#isSilent) for (const end of this.#ends) end.deliver();
    this.#pump = setImmediate(() => this.#deliver());
  }

  close(): void {
    this.#closed = true;
    clearImmediate(this.#pump);
    for (const session of [this.client, this.server]) session?.close('the test is over', CloseCode.normal);
  }
}

/** A channel that the server has accepted, seen from both ends. */
export async function openLive(): Promise<{ pair: LivePair; near: Channel; far: Channel }> {
  return new Promise((resolve, reject) => {
    let far: Channel | undefined;
    const pair = new LivePair((channel) => {
      far = channel;
      channel.accept();
    });
    const near: Channel = pair.client.open(
      { host: 'example.org', port: 80 },
      {
        onOpen: () =>
          far === undefined ? reject(new Error('open before it was offered')) : resolve({ pair, near, far }),
        onFail: (code) => reject(new Error(code)),
      },
    );
  });
}
