import type { Clock, FailureCode, Flow, Logger, OpenHandler, Timer } from 'wsproxy-engine';
import { Drops } from './drops.js';
import type { UdpAddress, UdpSocket } from './udp-socket.js';

/** Those who send to a UDP port, each with a flow of its own; bounded, since addresses can be made up. */
export class LocalPeers {
  readonly #options: LocalPeersOptions;
  readonly #drops: Drops<'refused' | 'unsent'>;
  /** By address and port, the one that was used last behind all others. */
  readonly #peers = new Map<string, LocalPeer>();
  /** As many as there may be: fewer than the most when the server takes no more flows. */
  #room = MOST;
  /** Until then no flow is asked for, by the clock: the last one was refused. */
  #pauseEnd = Number.NEGATIVE_INFINITY;
  #isStopped = false;
  #timer: Timer | undefined;

  constructor(options: LocalPeersOptions) {
    this.#options = options;
    this.#drops = new Drops(options.logger);
  }

  onDatagram(data: Buffer, from: UdpAddress): void {
    const key = `${from.port} ${from.address}`;
    const peer = this.#peers.get(key) ?? this.#meet(key, from);
    if (peer === undefined) return this.#drops.add('refused', from);
    this.#touch(key, peer);
    peer.flow.send(data);
  }

  /** Nobody new is served; those there are go on. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Flows lead elsewhere from now on: anyone who sends next gets another one. */
  restart(): void {
    for (const [key, peer] of this.#peers) this.#end(key, peer, 'CANCELLED');
    this.#room = MOST;
    this.#pauseEnd = Number.NEGATIVE_INFINITY;
  }

  close(): void {
    this.stop();
    this.restart();
    this.#timer?.cancel();
    const { counts } = this.#drops;
    if (counts !== undefined) this.#options.logger.info({ dropped: counts }, 'UDP port closed');
  }

  #meet(key: string, from: UdpAddress): LocalPeer | undefined {
    const { openFlow, socket, logger, clock } = this.#options;
    if (this.#isStopped || clock.now() < this.#pauseEnd) return undefined;
    this.#makeRoom();
    const handler: OpenHandler = {
      kind: 'forward-udp',
      onOpen: () => logger.debug({}, 'flow open'),
      // Never called before the flow is there.
      onFail: (code) => peer !== undefined && this.#onFail(key, peer, code),
    };
    const flow = openFlow(handler, from);
    const peer = flow && { flow, usedAt: clock.now() };
    if (peer === undefined) return undefined;
    this.#peers.set(key, peer);
    peer.flow.onOver(() => this.#forget(key, peer));
    const onDrop = (): void => this.#drops.add('unsent', from);
    peer.flow.start({
      onDatagram: (data) => {
        this.#touch(key, peer);
        socket.send(Buffer.from(data), from, onDrop);
      },
    });
    this.#timer ??= clock.setTimer(() => this.#look(), this.#options.idle);
    return peer;
  }

  #touch(key: string, peer: LocalPeer): void {
    peer.usedAt = this.#options.clock.now();
    if (this.#peers.delete(key)) this.#peers.set(key, peer);
  }

  /** Somebody else may have come from there since. */
  #forget(key: string, peer: LocalPeer): void {
    if (this.#peers.get(key) === peer) this.#peers.delete(key);
  }

  #onFail(key: string, peer: LocalPeer, code: FailureCode): void {
    const { logger, clock } = this.#options;
    logger.info({ code }, 'flow failed to open');
    this.#forget(key, peer);
    if (code === 'LIMIT_REACHED' && this.#peers.size > 0) {
      this.#room = this.#peers.size;
      this.#makeRoom();
    } else {
      this.#pauseEnd = clock.now() + PAUSE;
    }
  }

  /** For one more: anyone who was silent for longest leaves. */
  #makeRoom(): void {
    for (const [key, peer] of this.#peers) {
      if (this.#peers.size < this.#room) return;
      this.#end(key, peer, 'LIMIT_REACHED');
    }
  }

  #look(): void {
    const { clock, idle } = this.#options;
    this.#timer = undefined;
    for (const [key, peer] of this.#peers) {
      const left = peer.usedAt + idle - clock.now();
      if (left > 0) {
        this.#timer = clock.setTimer(() => this.#look(), left);
        return;
      }
      // While there is no room, nobody is there for so long.
      this.#room = MOST;
      this.#end(key, peer, 'TIMED_OUT');
    }
  }

  #end(key: string, peer: LocalPeer, code: FailureCode): void {
    this.#peers.delete(key);
    peer.flow.close(code);
  }
}

export interface LocalPeersOptions {
  /** Opens the flow of one of them; undefined: not now. */
  readonly openFlow: (handler: OpenHandler, from: UdpAddress) => PeerFlow | undefined;
  readonly socket: Pick<UdpSocket, 'send'>;
  readonly logger: Logger;
  readonly clock: Clock;
  /** How long a flow lives that carries nothing, ms. */
  readonly idle: number;
}

/** A flow, as far as the one who sends to a port needs it. */
export type PeerFlow = Pick<Flow, 'send' | 'start' | 'close' | 'onOver'>;

interface LocalPeer {
  readonly flow: PeerFlow;
  /** By the clock. */
  usedAt: number;
}

/** Of them at a time. */
const MOST = 1_024;
/** After a flow was refused, ms: every datagram would ask for another one. */
const PAUSE = 1_000;
