import type { KnownServer } from 'wsproxy-engine/connector';
import { ConnectError } from 'wsproxy-engine/connector';
import { SimLink } from 'wsproxy-test-support/engine/sim-link';
import type { SimProcess, SimServer } from './sim-server.js';

/** A connection of the client to a process of a server. */
export interface Road {
  readonly link: SimLink;
  readonly server: SimServer;
  readonly process: SimProcess;
  /** Bytes of the server have arrived: the greeting is answered. */
  isAnswered: boolean;
}

interface PendingDial {
  readonly server: SimServer;
  succeed(road: Road): void;
  fail(error: ConnectError): void;
}

/** Dials that have not come to anything yet, and the connections that they led to. */
export class SimNetwork {
  pending: PendingDial[] = [];
  /** The newest is the last; those on which nothing can happen any more are left out. */
  roads: Road[] = [];
  readonly #onLoss: () => void;

  /** `onLoss`: the client is about to be told that a connection is lost. */
  constructor(onLoss: () => void) {
    this.#onLoss = onLoss;
  }

  /** What a client dials `server` with. */
  dialer(server: SimServer): KnownServer['connect'] {
    return (signal) =>
      new Promise((resolve, reject) => {
        const dial: PendingDial = { server, succeed: ({ link }) => resolve(link.ends[0]), fail: reject };
        this.pending.push(dial);
        signal.addEventListener('abort', () => {
          this.pending = this.pending.filter((other) => other !== dial);
          reject(new ConnectError('given up', false));
        });
      });
  }

  /** Lets a dial come to its end, as things are at its server; false when it hangs. */
  answer(dial: PendingDial): boolean {
    const { server } = dial;
    if (!server.isReachable && server.isSilent) return false;
    this.pending = this.pending.filter((other) => other !== dial);
    if (!server.isReachable) {
      dial.fail(new ConnectError('unreachable', false));
      return true;
    }
    const link = new SimLink();
    const road: Road = { link, server, process: server.accept(link.ends[1]), isAnswered: false };
    this.roads.push(road);
    dial.succeed(road);
    return true;
  }

  deliver(road: Road, direction: 0 | 1, limit: number): boolean {
    const { link } = road;
    if (direction === 1 && !link.isStalled) {
      if (link.ends[1].backlog > 0) road.isAnswered = true;
      else if (link.isLostUnawares) this.#onLoss();
    }
    return link.deliver(direction, limit);
  }

  /** Forgets the connections that are over for both ends. */
  tidy(): void {
    this.roads = this.roads.filter(({ link }) => !link.isOver);
  }
}
