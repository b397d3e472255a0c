import {
  Capability,
  type Channel,
  type Flow,
  type FlowTunnel,
  joinUngreeted,
  MemoryTransport,
  type OfferedChannel,
  type OfferedFlow,
  type OpenHandler,
  Session,
  systemClock,
  systemMemory,
  type Target,
  type Tunnel,
} from 'wsproxy-engine';

/**
 * A tunnel of which both ends are in this process. So listeners have one kind of channel, and replies, half-close, resets and
 * backpressure are as honest as through the server.
 */
export class InProcessTunnel implements Tunnel, FlowTunnel {
  readonly #farEnd: FarEnd;
  #near: Session | undefined;
  readonly #idleWaits = new Set<() => void>();

  constructor(farEnd: FarEnd) {
    this.#farEnd = farEnd;
  }

  open(target: Target, handler: OpenHandler): Channel {
    this.#near ??= this.#begin();
    return this.#near.open(target, handler);
  }

  openFlow(target: Target | undefined, handler: OpenHandler): Flow {
    this.#near ??= this.#begin();
    return this.#near.openFlow(target, handler);
  }

  /** Resolves when no channel and no flow lives, and what was sent has been handed to the far end. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaits.add(resolve);
      if (this.#near === undefined || this.#near.isIdle) this.#tellIdle();
    });
  }

  /** Resets every channel and every flow. */
  close(): void {
    this.#near?.leave('closed', 'CANCELLED');
  }

  #begin(): Session {
    const common = {
      clock: systemClock,
      memory: systemMemory,
      maxChannels: Number.POSITIVE_INFINITY,
      maxFlows: Number.POSITIVE_INFINITY,
    };
    const near: Session = new Session({
      ...common,
      role: 'client',
      onIdle: () => this.#tellIdle(),
      onDetached: ({ code, reason }) => near.close(reason, code),
      onClosed: () => {
        this.#near = undefined;
        this.#tellIdle();
      },
    });
    const far: Session = new Session({
      ...common,
      role: 'server',
      onChannel: (channel) => this.#farEnd.onChannel(channel),
      onFlow: (flow) => this.#farEnd.onFlow(flow),
      onDetached: ({ code, reason }) => far.close(reason, code),
      onClosed() {},
    });
    // Later, as from any other transport: a session is not called back while it is at work.
    const [nearEnd, farEnd] = MemoryTransport.pair(setImmediate);
    joinUngreeted(near, nearEnd, WITH_FLOWS);
    joinUngreeted(far, farEnd, WITH_FLOWS);
    return near;
  }

  #tellIdle(): void {
    for (const resolve of this.#idleWaits) resolve();
    this.#idleWaits.clear();
  }
}

/** Answers what the near end opens. */
export interface FarEnd {
  onChannel(channel: OfferedChannel): void;
  onFlow(flow: OfferedFlow): void;
}

const WITH_FLOWS = Capability.taken | Capability.flows;
