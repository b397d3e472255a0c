import { EventEmitter } from 'node:events';
import { isUint8Array } from 'node:util/types';
import {
  FAILURES,
  type FailureCode,
  type Flow,
  type FlowFigures,
  type FlowTunnel,
  formatTarget,
  type Target,
  TunnelError,
} from 'wsproxy-engine';
import { checkTarget } from '../options/client-options.js';

/**
 * Datagrams through the tunnel, sent and received by a UDP socket of the server. They may be lost, and come in any order, as
 * everywhere; none comes twice. While the tunnel is away the server keeps its socket, and the port that others see.
 *
 * It may be used at once. It is over when it or the client is closed, when it could not be opened, and when the server ends
 * it, as it does when nothing moves for the server's idle time, 2 minutes by default.
 */
export class DatagramSocket extends EventEmitter<DatagramEvents> {
  /** The one peer, `undefined` when each datagram names its own. */
  readonly target: Target | undefined;
  readonly #flow: Flow;
  readonly #keepAwake: KeepFlowAwake | undefined;
  #isOver = false;

  constructor(tunnel: FlowTunnel, target: Target | undefined, keepAwake?: KeepFlowAwake) {
    super();
    this.target = target;
    this.#keepAwake = keepAwake;
    this.#flow = tunnel.openFlow(target, {
      onOpen: () => this.emit('open'),
      onFail: (code) => this.#end(code),
    });
    this.#flow.start({ onDatagram: (data, from) => this.#take(data, from ?? target) });
    this.#flow.onOver(() => this.#onFlowOver());
  }

  /** What it has carried, and what of it was dropped here, before it was sent: too big, no room, or waiting for too long. */
  get figures(): FlowFigures {
    return this.#flow.figures;
  }

  /**
   * Sends one datagram, or drops it; `figures` tell. It does nothing once the socket is over. A text is sent as UTF-8.
   * `to`: `host:port`, or both apart; a name is resolved by the server, once as long as it is used.
   * @throws TypeError when `to` is no destination, or missing; or given where the socket has one peer; or for other data
   * @throws RangeError when `data` is longer than UDP allows, 65 507 bytes
   */
  send(data: Uint8Array | string, to?: string | Target): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    // Of another kind the session would find no length, or another one than it has in bytes.
    if (!isUint8Array(bytes)) throw new TypeError(`not a datagram: ${shown(data)}; expected a Uint8Array or a text`);
    if (bytes.length > LONGEST) throw new RangeError(`a datagram has at most ${LONGEST} bytes: ${bytes.length}`);
    if (this.target === undefined) return this.#flow.send(bytes, checkTarget(to as string | Target));
    if (to !== undefined) throw new TypeError(`this socket has one peer, ${formatTarget(this.target)}`);
    this.#flow.send(bytes);
  }

  /** What was sent and waits is dropped, and no message comes any more. Emits `close`. */
  close(): void {
    this.#end(undefined);
    this.#flow.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** As of `dgram.Socket`: keeps the process alive again. */
  ref(): this {
    this.#keepAwake?.(this.#flow, true);
    return this;
  }

  /** As of `dgram.Socket`: lets the process end, though this socket is open. */
  unref(): this {
    this.#keepAwake?.(this.#flow, false);
    return this;
  }

  #onFlowOver(): void {
    const { figures, state } = this.#flow;
    // The client was closed, by the program itself.
    const isOwnEnd = figures.failure === 'CANCELLED' && state.opening === 'open';
    this.#end(isOwnEnd ? undefined : figures.failure);
  }

  #take(data: Uint8Array, from: Target | undefined): void {
    if (!this.#isOver && from !== undefined) this.emit('message', Buffer.from(data), from);
  }

  /** Told later: who has just made the socket does not listen yet. */
  #end(failure: FailureCode | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    setImmediate(() => {
      if (failure !== undefined) this.emit('error', new TunnelError(failure, this.#tell(failure)));
      this.emit('close');
    });
  }

  #tell(failure: FailureCode): string {
    const { text } = FAILURES[failure];
    return this.target === undefined ? text : `${formatTarget(this.target)}: ${text}`;
  }
}

export interface DatagramEvents {
  /** The server has the socket. What was sent less than half a second before goes on its way, too. */
  open: [];
  /** A datagram, and its sender: as `send` has named it, or the address where that was another one. */
  message: [data: Buffer, from: Target];
  /** It could not be opened, or the server has ended it; `close` follows. Thrown when nobody listens. */
  error: [error: TunnelError];
  /** It is over. */
  close: [];
}

/** Says of a flow whether the process is to live for it. */
export type KeepFlowAwake = (flow: Flow, isReferenced: boolean) => void;

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'object') : String(value);
}

/** UDP over IPv4: 65,535 bytes less the headers. */
const LONGEST = 65_507;
