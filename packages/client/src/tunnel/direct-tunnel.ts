import { Socket } from 'node:net';
import {
  type Channel,
  joinUngreeted,
  MemoryTransport,
  type OfferedChannel,
  type OpenHandler,
  Session,
  systemClock,
  systemMemory,
  type Target,
  type Tunnel,
  TunnelError,
} from 'wsproxy-engine';
import { createDial, createResolver, type DialTarget, systemLookup } from 'wsproxy-node/dial';
import { relay } from 'wsproxy-node/relay';

/**
 * A tunnel of which both ends are in this process: its far end dials, as a server does, but whatever it is asked for. So
 * listeners have one kind of channel, and replies, half-close, resets and backpressure are as honest as through the server.
 */
export class DirectTunnel implements Tunnel {
  /** The name of a target is resolved by the system. */
  readonly #dial = createDial({ resolver: createResolver({ lookup: systemLookup }) });
  #near: Session | undefined;
  readonly #idleWaits = new Set<() => void>();

  open(target: Target, handler: OpenHandler): Channel {
    this.#near ??= this.#begin();
    return this.#near.open(target, handler);
  }

  /** Resolves when no channel lives, and what was sent has been handed to the system. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaits.add(resolve);
      if (this.#near === undefined || this.#near.isIdle) this.#tellIdle();
    });
  }

  /** Resets every channel. */
  close(): void {
    this.#near?.leave('closed', 'CANCELLED');
  }

  #begin(): Session {
    const common = { clock: systemClock, memory: systemMemory, maxChannels: Number.POSITIVE_INFINITY };
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
      onChannel: (channel) => void answer(channel, this.#dial),
      onDetached: ({ code, reason }) => far.close(reason, code),
      onClosed() {},
    });
    // Later, as from any other transport: a session is not called back while it is at work.
    const [nearEnd, farEnd] = MemoryTransport.pair(setImmediate);
    joinUngreeted(near, nearEnd);
    joinUngreeted(far, farEnd);
    return near;
  }

  #tellIdle(): void {
    for (const resolve of this.#idleWaits) resolve();
    this.#idleWaits.clear();
  }
}

/** Answers a channel with what has become of the connection to its target. */
async function answer(channel: OfferedChannel, dial: DialTarget): Promise<void> {
  const ending = new AbortController();
  channel.onAbandoned(() => ending.abort(new TunnelError('CANCELLED')));
  try {
    const { socket } = await dial({ target: channel.target, user: SELF, signal: ending.signal });
    // Whoever has opened the channel says whether the process is to live for it; what was written leaves all the same.
    if (socket instanceof Socket) socket.unref();
    if (channel.state.dead) return void socket.destroy();
    channel.accept();
    relay(channel, socket);
  } catch (error) {
    channel.refuse(error instanceof TunnelError ? error.code : 'INTERNAL');
  }
}

/** There is one user here. */
const SELF = { id: '' };
