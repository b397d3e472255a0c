import type { FailureCode, FlowFigures, FlowSink, OfferedFlow, Peer, Target } from 'wsproxy-engine';

/** A flow that is offered, without a session: a test plays the client. */
export class FakeFlow implements OfferedFlow {
  readonly id = 1;
  readonly target: Target | undefined;
  /** What has come for the application, as `text from host port`. */
  readonly received: string[] = [];
  readonly bytes: Uint8Array[] = [];
  failure: FailureCode | undefined;
  isAccepted = false;
  /** What its own queue has dropped. */
  drops: FlowFigures['datagramsDropped'] = { tooBig: 0, full: 0, late: 0, unaddressed: 0 };
  #sink: FlowSink | undefined;
  #isDead = false;
  readonly #onOver: (() => void)[] = [];
  readonly #waiters: (() => void)[] = [];

  constructor(target?: Target) {
    this.target = target;
  }

  get state(): OfferedFlow['state'] {
    return { opening: this.isAccepted ? 'open' : 'offered', dead: this.#isDead };
  }

  get figures(): FlowFigures {
    const sums = { datagramsSent: 0, datagramsReceived: 0, bytesSent: 0, bytesReceived: 0 };
    return { age: 0, ...sums, datagramsDropped: this.drops, failure: this.failure };
  }

  start(sink: FlowSink): void {
    this.#sink = sink;
  }

  /** Of the sockets, for the application. */
  send(data: Uint8Array, peer?: Peer): void {
    this.bytes.push(Uint8Array.from(data));
    this.received.push(`${Buffer.from(data).toString()} from ${peer?.host} ${peer?.port}`);
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** The application sends a datagram, whose memory is overwritten at once. */
  say(data: string | Uint8Array, peer?: Peer): void {
    const bytes = Buffer.from(data);
    this.#sink?.onDatagram(bytes, peer);
    bytes.fill('!');
  }

  /** Resolves when so many have come for the application. */
  async until(count: number): Promise<string[]> {
    while (this.received.length < count) await new Promise<void>((resolve) => this.#waiters.push(resolve));
    return this.received;
  }

  close(code: FailureCode = 'CANCELLED'): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.failure = code;
    for (const listener of this.#onOver) listener();
    for (const wake of this.#waiters.splice(0)) wake();
  }

  accept(): void {
    this.isAccepted = true;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  refuse(code: FailureCode): void {
    this.close(code);
  }

  onAbandoned(listener: () => void): void {
    this.onOver(listener);
  }

  /** Resolves when it was accepted, or is over. */
  async answered(): Promise<void> {
    while (!this.isAccepted && !this.#isDead) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  onOver(listener: () => void): void {
    if (this.#isDead) listener();
    else this.#onOver.push(listener);
  }
}
