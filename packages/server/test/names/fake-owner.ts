import { connect } from 'node:net';
import type { Arrival, FailureCode } from 'wsproxy-engine';
import { joinStreams, type RelaySocket, resetSocket } from 'wsproxy-node/sockets';
import type { ArrivalEvents, NameOwner } from '../../src/names/name-owner.js';

/** An owner whose client is so near that its service is dialled from here. */
export class FakeOwner implements NameOwner {
  readonly userId: string;
  backlog = 64;
  isAttached = true;
  /** Why arrivals are refused, if they are. */
  refuses: FailureCode | undefined;
  readonly arrivals: Arrival[] = [];
  /** How often another process has got what it held. */
  losses = 0;
  #port: number;
  readonly #waiting: (() => void)[] = [];

  constructor(userId: string, port: number) {
    this.userId = userId;
    this.#port = port;
  }

  /** Its user has room for so many visits more. */
  room: number = Number.POSITIVE_INFINITY;

  onLost(): void {
    this.losses += 1;
  }

  beginVisit(): (() => void) | undefined {
    if (this.room === 0) return undefined;
    this.room -= 1;
    return () => {
      this.room += 1;
    };
  }

  arrive(arrival: Arrival, stream: RelaySocket, events?: ArrivalEvents): void {
    this.arrivals.push(arrival);
    const go = (): void => {
      if (this.refuses === undefined) return this.#dial(stream, events);
      events?.onFail(this.refuses);
      resetSocket(stream);
    };
    if (this.isAttached) go();
    else this.#waiting.push(go);
  }

  /** Its client is there again. */
  attach(): void {
    this.isAttached = true;
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Another client has it, which dials another service. */
  moveTo(port: number): void {
    this.#port = port;
  }

  #dial(stream: RelaySocket, events: ArrivalEvents | undefined): void {
    if (stream.destroyed) return;
    const socket = connect({ host: '127.0.0.1', port: this.#port, allowHalfOpen: true });
    socket.once('connect', () => events?.onOpen());
    joinStreams(socket, stream);
  }
}
