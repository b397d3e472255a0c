import { connect } from 'node:net';
import type { Tunnel } from 'wsproxy-engine';
import {
  type Channel,
  CloseCode,
  type OfferedChannel,
  type OpenHandler,
  Session,
  systemClock,
  type Target,
  type Transport,
} from 'wsproxy-engine';
import { relay } from 'wsproxy-node/relay';
import { dialFailure } from 'wsproxy-node/targets';
import type { KeepAwake } from './keep-awake.js';

/** Name, and every address of it, ms; as long as a server takes. */
const DIAL_TIMEOUT = 10_000;
/** For one of several addresses, ms; Node's default of 250 never reaches a far one. */
const ATTEMPT_TIMEOUT = 2_000;
/** First keepalive probe after this much silence, ms. */
const KEEPALIVE_DELAY = 60_000;

/**
 * A tunnel of which both ends are in this process: its far end dials, as the server would. So listeners have one kind of
 * channel, and replies, half-close, resets and backpressure are as honest as through the server.
 */
export class DirectTunnel implements Tunnel {
  readonly #awake: KeepAwake;
  #near: Session | undefined;
  readonly #idleWaits = new Set<() => void>();

  /** `awake` is held for each channel as long as it lives. */
  constructor(awake: KeepAwake) {
    this.#awake = awake;
  }

  /** Living channels. */
  get channelCount(): number {
    return this.#near?.channelCount ?? 0;
  }

  /** The name of a target is resolved by the system. */
  open(target: Target, handler: OpenHandler): Channel {
    this.#near ??= this.#begin();
    const channel = this.#near.open(target, handler);
    this.#awake.hold(channel);
    channel.onOver(() => this.#awake.release(channel));
    return channel;
  }

  /** Resolves when no channel lives, and what was sent has been handed to the system. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaits.add(resolve);
      if (this.#near === undefined || this.#near.isIdle) this.#tellIdle();
    });
  }

  #tellIdle(): void {
    for (const resolve of this.#idleWaits) resolve();
    this.#idleWaits.clear();
  }

  /** Resets every channel. */
  close(): void {
    this.#near?.close('closed', CloseCode.normal);
  }

  #begin(): Session {
    const [nearWire, farWire] = Wire.pair();
    const common = {
      clock: systemClock,
      maxChannels: Number.POSITIVE_INFINITY,
      onDetached: () => this.close(),
    };
    const far = new Session({ ...common, role: 'server', onChannel: dialFor, onClosed() {} });
    const near = new Session({
      ...common,
      role: 'client',
      onIdle: () => this.#tellIdle(),
      onClosed: (reason) => {
        this.#near = undefined;
        this.#tellIdle();
        far.close(reason, CloseCode.normal);
      },
    });
    near.attach(nearWire, () => {});
    far.attach(farWire, () => {});
    near.goLive(0);
    far.goLive(0);
    return near;
  }
}

/** Answers a channel with what has become of the connection to its target. */
function dialFor(channel: OfferedChannel): void {
  const socket = connect({
    ...channel.target,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_DELAY,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT,
  });
  // Whoever has opened the channel says whether the process is to live for it; what was written leaves all the same.
  socket.unref();
  const timer = systemClock.setTimer(() => {
    channel.refuse('DIAL_TIMEOUT');
    socket.destroy();
  }, DIAL_TIMEOUT);
  channel.onAbandoned(() => socket.destroy());
  // For good: after the answer it changes nothing.
  socket.on('error', (error) => {
    const errors = error instanceof AggregateError ? error.errors : [error];
    channel.refuse(dialFailure(errors).code);
  });
  socket.once('close', () => timer.cancel());
  socket.once('connect', () => {
    timer.cancel();
    channel.accept();
    relay(channel, socket);
  });
}

/** One end of a transport that never leaves the process. */
class Wire implements Transport {
  receiver: Transport['receiver'] = { onBytes() {}, onDrain() {}, onClose() {}, onText() {} };
  #peer: Wire | undefined;
  #parts: Uint8Array[] = [];
  #backlog = 0;

  static pair(): [Wire, Wire] {
    const ends: [Wire, Wire] = [new Wire(), new Wire()];
    [ends[0].#peer, ends[1].#peer] = [ends[1], ends[0]];
    return ends;
  }

  get backlog(): number {
    return this.#backlog;
  }

  send(parts: readonly Uint8Array[]): void {
    if (this.#parts.length === 0) setImmediate(this.#deliver);
    this.#parts.push(...parts);
    for (const { length } of parts) this.#backlog += length;
  }

  /** Later, as from any other transport: a session is not called back while it is at work. */
  readonly #deliver = (): void => {
    const parts = this.#parts;
    this.#parts = [];
    this.#backlog = 0;
    for (const part of parts) this.#peer?.receiver.onBytes(part);
    this.receiver.onDrain();
  };

  /** The sessions are closed by whoever has made them. */
  close(): void {}

  terminate(): void {}
}
