import { connect } from 'node:net';
import type { FlowTunnel, Tunnel } from 'wsproxy-engine';
import {
  type Channel,
  CloseCode,
  type FailureCode,
  type Flow,
  formatTarget,
  joinUngreeted,
  MemoryTransport,
  type OfferedChannel,
  type OpenHandler,
  Session,
  systemClock,
  systemMemory,
  type Target,
} from 'wsproxy-engine';
import { relay } from 'wsproxy-node/relay';

/** What the far end does with a channel. */
export type FarEnd = (channel: OfferedChannel) => void;

/** Two real sessions joined in memory; the far end answers each channel as the test says, and knows no flows. */
export class TestTunnel implements Tunnel, FlowTunnel {
  /** Targets of the channels opened so far, as `host:port`. */
  readonly opened: string[] = [];
  farEnd: FarEnd;
  readonly #near: Session;
  readonly #far: Session;

  constructor(farEnd: FarEnd) {
    this.farEnd = farEnd;
    const common = { clock: systemClock, memory: systemMemory, onDetached() {}, onClosed() {} };
    this.#near = new Session({ ...common, role: 'client' });
    this.#far = new Session({ ...common, role: 'server', onChannel: (channel) => this.farEnd(channel) });
    const ends = MemoryTransport.pair(setImmediate);
    joinUngreeted(this.#near, ends[0]);
    joinUngreeted(this.#far, ends[1]);
  }

  /** Living channels, at both ends. */
  get channelCount(): number {
    return this.#near.channelCount + this.#far.channelCount;
  }

  open(target: Target, handler: OpenHandler): Channel {
    this.opened.push(formatTarget(target));
    return this.#near.open(target, handler);
  }

  openFlow(target: Target | undefined, handler: OpenHandler): Flow {
    return this.#near.openFlow(target, handler);
  }

  /** Loses the session, with every channel. */
  close(): void {
    this.#near.close('test over', CloseCode.normal);
    this.#far.close('test over', CloseCode.normal);
  }
}

export function refuseWith(code: FailureCode): FarEnd {
  return (channel) => channel.refuse(code);
}

/** Neither accepts nor refuses. */
export const keepWaiting: FarEnd = (channel) =>
  channel.start({ onData() {}, onEnd() {}, onReset() {}, onWritable() {} });

/** Sends back what comes, and ends when the application does. */
export const echo: FarEnd = (channel) => {
  channel.accept();
  channel.start({
    onData(chunk) {
      channel.write(Buffer.from(chunk));
      channel.consumed(chunk.length);
    },
    onEnd: () => channel.end(),
    onReset() {},
    onWritable() {},
  });
};

/** Dials this port of 127.0.0.1, no matter what the target says. */
export function dial(port: number): FarEnd {
  return (channel) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => channel.refuse('CONNECTION_REFUSED'));
    socket.once('connect', () => {
      channel.accept();
      relay(channel, socket);
    });
  };
}
