import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { TunnelError } from 'wsproxy-engine';
import { asItIs, widenReceiveBuffer } from '../../sockets/udp-options.js';
import { dialFailure } from '../../targets/dial-failure.js';

/** One UDP socket of a flow: for one family, at one port as long as it is open. Broadcast stays refused by the system. */
export class FlowSocket {
  readonly #socket: Socket;
  readonly #handler: FlowSocketHandler;
  readonly #isConnected: boolean;
  /** The system has not taken everything yet. */
  #isBacklogged = false;

  /** @throws TunnelError when the system has no such socket to give */
  constructor({ family, localAddress, peer }: FlowSocketOptions, handler: FlowSocketHandler) {
    this.#handler = handler;
    this.#isConnected = peer !== undefined;
    this.#socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: family === 6, lookup: asItIs });
    let failure: Error | undefined;
    this.#socket.on('error', (error) => (failure = error));
    // A port of its own in each worker of a cluster, too.
    this.#socket.bind({ port: 0, exclusive: true, ...(localAddress !== undefined && { address: localAddress }) });
    if (failure === undefined && peer !== undefined) this.#socket.connect(peer.port, peer.address);
    if (failure !== undefined || (peer !== undefined && !hasConnected(this.#socket))) {
      this.#socket.close();
      throw failure === undefined
        ? new TunnelError('NETWORK_UNREACHABLE', `the system has no way to ${peer?.address}`)
        : dialFailure([failure]);
    }
    widenReceiveBuffer(this.#socket);
    this.#socket.removeAllListeners('error');
    this.#socket.on('error', this.#onError);
    this.#socket.on('message', this.#onMessage);
    // What else the process has to do keeps it alive.
    this.#socket.unref();
  }

  /** Hands a datagram to the system, with one call of it; false when too much waits there. `data` is not needed any more. */
  send(data: Uint8Array, address: string, port: number): boolean {
    const socket = this.#socket;
    if (this.#isBacklogged && socket.getSendQueueCount() >= MAX_BACKLOG) return false;
    const bytes = outgoing.subarray(0, data.length);
    bytes.set(data);
    if (this.#isConnected) socket.send(bytes, this.#onSent);
    else socket.send(bytes, port, address, this.#onSent);
    // Most often the system has taken it by now. Otherwise the memory is Node's until it does.
    this.#isBacklogged = socket.getSendQueueCount() > 0;
    if (this.#isBacklogged) outgoing = Buffer.allocUnsafeSlow(MAX_DATAGRAM);
    return true;
  }

  close(): void {
    this.#socket.close();
  }

  readonly #onMessage = (data: Buffer, { address, port }: RemoteInfo): void =>
    this.#handler.onMessage(data, address, port);

  readonly #onSent = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null) this.#handler.onUnsent(error);
  };

  /** What ICMP says of datagrams that were sent before: of a connected socket, and on Windows. The socket goes on. */
  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (this.#isConnected) this.#handler.onIcmp(error);
  };
}

export interface FlowSocketOptions {
  readonly family: 4 | 6;
  /** Default: the one that the system takes. */
  readonly localAddress?: string | undefined;
  /** The only one it speaks to: the system keeps others out, and tells what ICMP says of it. */
  readonly peer?: { readonly address: string; readonly port: number } | undefined;
}

export interface FlowSocketHandler {
  onMessage(data: Buffer, address: string, port: number): void;
  /** The system has refused a datagram. */
  onUnsent(error: NodeJS.ErrnoException): void;
  /** Something on the way has refused one that was sent before. */
  onIcmp(error: NodeJS.ErrnoException): void;
}

/** Of an IP literal. */
export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

const MAX_DATAGRAM = 65_535;
/** Datagrams that may wait for the system, each with memory for the longest. */
const MAX_BACKLOG = 16;

/** Where datagrams are on their way to the system: one at a time, since it takes each at once. */
let outgoing = Buffer.allocUnsafeSlow(MAX_DATAGRAM);

/** Node does so at once, but tells of a failure later. */
function hasConnected(socket: Socket): boolean {
  try {
    return socket.remoteAddress() !== undefined;
  } catch {
    return false;
  }
}
