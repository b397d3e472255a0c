import { isIPv4 } from 'node:net';
import {
  type FailureCode,
  type Flow,
  type FlowSink,
  type FlowTunnel,
  formatTarget,
  isLoopback,
  type Logger,
  type Target,
  withFields,
} from 'wsproxy-engine';
import { resetSocket } from '../../sockets/reset-socket.js';
import { type Unread, unwatch, watchForReset } from '../../sockets/reset-watch.js';
import type { ApplicationSocket } from '../application-socket.js';
import { closePolitely } from '../close-politely.js';
import type { Reply } from '../enter-tunnel.js';
import { CapsuleError, CapsuleReader, encodeCapsule, MAX_PAYLOAD } from './capsules.js';
import { Drops } from './drops.js';

/**
 * Opens a flow to one peer, and joins it with a connection that carries its datagrams as capsules (RFC 9298 section 3.1). The
 * reply waits until the flow is open, and nothing is read before (RFC 9931). The two end together.
 */
export function enterCapsules(tunnel: FlowTunnel, logger: Logger, inbound: InboundCapsules): void {
  new CapsuleTunnel(tunnel, logger, inbound);
}

export interface InboundCapsules {
  readonly socket: ApplicationSocket;
  readonly target: Target;
  /** What the application has sent right behind its request. */
  readonly early: Buffer;
  readonly reply: Reply;
}

class CapsuleTunnel implements FlowSink, Unread {
  readonly socket: ApplicationSocket;
  readonly #logger: Logger;
  readonly #longest: number;
  readonly #flow: Flow;
  readonly #reader = new CapsuleReader((payload) => this.#send(payload));
  /** Capsules of this turn. */
  #gathered = 0;
  /** Those of earlier ones that the system has not taken. */
  #waiting = 0;
  readonly #drops: Drops<'too long' | 'unread'>;
  #isOver = false;

  constructor(tunnel: FlowTunnel, logger: Logger, { socket, target, early, reply }: InboundCapsules) {
    this.socket = socket;
    this.#logger = withFields(logger, { target: formatTarget(target) });
    this.#drops = new Drops(this.#logger);
    this.#longest = longestPayload(target);
    // There may be nobody who listens now: what comes would be lost.
    socket.pause();
    watchForReset(this);
    socket.once('close', () => this.#finish());
    this.#flow = tunnel.openFlow(target, {
      kind: reply.kind,
      onOpen: () => this.#begin(early, reply),
      onFail: (code) => this.#fail(code, reply.failure(code, target)),
    });
  }

  /** Of a connection that is not read yet. */
  onDead(): void {
    this.socket.destroy();
  }

  /** An application that does not read them loses datagrams, as it would lose them at a socket of UDP. */
  onDatagram(data: Uint8Array): void {
    const { socket } = this;
    if (this.#isOver) return;
    const held = socket.writableLength + this.#waiting * OVERHEAD;
    if (held + data.length > MOST_UNREAD) return this.#drops.add('unread');
    this.#gather();
    socket.write(encodeCapsule(data), this.#onWritten);
  }

  readonly #onWritten = (): void => {
    this.#waiting -= 1;
  };

  #begin(early: Buffer, reply: Reply): void {
    const { socket } = this;
    unwatch(this);
    this.#logger.debug({}, 'flow open');
    socket.write(reply.success());
    this.#flow.onOver(() => this.#end());
    this.#flow.start(this);
    socket.on('data', this.#read);
    // The tunnel is over when either way of its connection is (RFC 9298 section 3.1).
    socket.once('end', () => this.#end());
    this.#read(early);
    socket.resume();
  }

  readonly #read = (bytes: Buffer): void => {
    try {
      if (!this.#isOver) this.#reader.read(bytes);
    } catch (error) {
      if (!(error instanceof CapsuleError)) throw error;
      this.#logger.info({ reason: error.message }, 'capsules malformed');
      this.#finish();
      resetSocket(this.socket);
    }
  };

  #send(payload: Uint8Array): void {
    if (payload.length > this.#longest) this.#drops.add('too long');
    else this.#flow.send(payload);
  }

  /** What comes together is written together. */
  #gather(): void {
    this.#gathered += 1;
    if (this.#gathered > 1) return;
    this.socket.cork();
    queueMicrotask(() => {
      this.#waiting += this.#gathered;
      this.#gathered = 0;
      this.socket.uncork();
    });
  }

  #fail(code: FailureCode, answer: Buffer | string): void {
    if (this.#isOver) return;
    this.#logger.info({ code }, 'flow failed to open');
    this.#isOver = true;
    unwatch(this);
    closePolitely(this.socket, answer);
  }

  #end(): void {
    this.#finish();
    closePolitely(this.socket);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    unwatch(this);
    this.#logger.debug({ dropped: this.#drops.counts }, 'flow over');
    this.socket.off('data', this.#read);
    this.#flow.close();
  }
}

/** What waits for an application that does not read, at most, bytes of memory. */
const MOST_UNREAD = 262_144;
/** Memory for one that waits beside its bytes, of which there may be no more than three. */
const OVERHEAD = 256;
/** What fits into one packet of Ethernet behind the headers of IP and UDP, bytes. */
const [LONGEST_IPV4, LONGEST_IPV6] = [1_472, 1_452];

/**
 * RFC 9298 section 6: a proxy does not fragment; anyone who looks for the longest packet that arrives would else believe in
 * fragments. A name may lead to an IPv6 address.
 */
function longestPayload({ host }: Target): number {
  if (isLoopback(host)) return MAX_PAYLOAD;
  return isIPv4(host) ? LONGEST_IPV4 : LONGEST_IPV6;
}
