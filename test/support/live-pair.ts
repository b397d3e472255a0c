import {
  acceptTransport,
  type Channel,
  CloseCode,
  Greeter,
  type KeptSession,
  MemoryTransport,
  type OfferedChannel,
  Session,
  systemClock,
  systemMemory,
  unknownSession,
} from 'wsproxy-engine';

/** A client and a server session in real time, for tests with real sockets; the transport between them is in memory. */
export class LivePair {
  readonly client: Session;
  server: Session | undefined;
  readonly #ends = MemoryTransport.pair();
  #pump: NodeJS.Immediate | undefined;
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
    acceptTransport(
      this.#ends[1],
      {
        create: (hello): KeptSession => {
          const session = new Session({
            role: 'server',
            clock: systemClock,
            memory: systemMemory,
            onChannel,
            onDetached() {},
            onClosed() {},
          });
          this.server = session;
          return { session, secret: hello.secret, attempt: 0, grace: hello.grace };
        },
        find() {
          throw unknownSession();
        },
        onResumed() {},
        onRejected() {},
      },
      systemClock,
    );
    new Greeter(this.client, 1_000).greet(this.#ends[0], () => {});
    this.#deliver();
  }

  #deliver(): void {
    if (this.#closed) return;
    for (const end of this.#ends) end.deliver();
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
