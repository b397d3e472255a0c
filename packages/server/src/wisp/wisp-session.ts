import {
  type Clock,
  CloseCode,
  Greeter,
  MAX_PING_INTERVAL,
  MemoryTransport,
  type ProcessBudgets,
  parseHost,
  Session,
  type SlabPool,
  type Transport,
} from 'wsproxy-engine';
import type { MessageWebSocket } from 'wsproxy-node/transports';
import { WINDOW } from './allowance.js';
import { Backlogs } from './backlogs.js';
import { CloseReason, type ConnectRequest, closePacket, continuePacket, type Packet, PacketType } from './packets.js';
import { TcpStream, type TcpStreamOwner } from './tcp-stream.js';
import { UdpStream } from './udp-stream.js';
import type { WispStream } from './wisp-stream.js';

/**
 * What a client of Wisp has of this server: a session like any other, of which this process is the client as well, by a transport that
 * never leaves it. Each stream is a channel, or a flow, of that session. So rules, limits, rates and logs are those of everybody, and
 * so is the end: of the user, of the token, of the server. Wisp knows no resume: the session ends with the WebSocket.
 */
export class WispSession implements TcpStreamOwner {
  readonly session: Session;
  readonly confirmsOpening: boolean;
  readonly backlogs: Backlogs;
  readonly #ws: MessageWebSocket;
  readonly #streams = new Map<number, WispStream>();
  /** Packets about streams that the client has not read. */
  #unread = 0;
  #hasBegun = false;
  #isDraining = false;
  #isOver = false;

  constructor(ws: MessageWebSocket, options: WispSessionOptions) {
    const { clock, memory, processBudgets, confirmsOpening, onPause, onResume } = options;
    this.#ws = ws;
    this.confirmsOpening = confirmsOpening;
    this.backlogs = new Backlogs({ clock, onPause, onResume });
    this.session = new Session({
      role: 'client',
      ...{ clock, memory, processBudgets },
      // Between two ends of one process: there is nothing to find out.
      heartbeat: MAX_PING_INTERVAL,
      onDetached: (loss) => this.#end(loss.code, loss.reason),
      onGoAway: (kind) => {
        if (kind === 'drain') this.#drain();
      },
      onIdle: () => this.#leaveIfIdle(),
      // The server has left, as it does when it stops.
      onClosed: () => this.#end(CloseCode.goingAway, 'the server is stopping'),
    });
    const [near, far] = MemoryTransport.pair(setImmediate);
    new Greeter(this.session, 0).greet(near, () => this.#begin());
    options.onTransport(far);
  }

  /** What the client has sent. False for what breaks the protocol. */
  take(packet: Packet): boolean {
    const { type, stream: id } = packet;
    if (type === PacketType.info || (id === 0 && type !== PacketType.close)) return false;
    if (type === PacketType.connect) this.#connect(id, packet.connect);
    else if (type === PacketType.data) this.#streams.get(id)?.take(packet.data);
    else if (type === PacketType.close) this.#onClose(id, packet.reason);
    return true;
  }

  /** The WebSocket is closed. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.backlogs.close();
    this.#streams.clear();
    this.session.leave('the client has left', 'CANCELLED');
  }

  get isCrowded(): boolean {
    return this.#ws.bufferedAmount > CROWDED;
  }

  send(packet: Buffer, onSent?: () => void): void {
    this.#ws.send(packet, onSent);
  }

  close(id: number, reason: number): void {
    this.#streams.delete(id);
    this.#tell(closePacket(id, reason));
  }

  /** Only now it is sure that the client may have one more session. */
  #begin(): void {
    this.#hasBegun = true;
    this.send(continuePacket(0, WINDOW));
  }

  #connect(id: number, request: ConnectRequest | undefined): void {
    const known = this.#streams.get(id);
    if (known !== undefined) {
      // What came next would be for one of two.
      known.leave(CloseReason.clientError);
      return this.close(id, CloseReason.invalid);
    }
    const host = request && parseHost(request.host);
    if (request === undefined || host === undefined) return this.#tell(closePacket(id, CloseReason.invalid));
    const Stream = request.kind === 'tcp' ? TcpStream : UdpStream;
    this.#streams.set(id, new Stream(id, { host, port: request.port }, this));
  }

  #onClose(id: number, reason: number): void {
    if (id === 0) return this.#end(CloseCode.normal, '');
    this.#streams.get(id)?.leave(reason);
    this.#streams.delete(id);
  }

  /** Nothing else bounds how many of these a client makes wait that does not read. */
  #tell(packet: Buffer): void {
    this.#unread += 1;
    if (this.#unread > MOST_UNREAD) return this.#ws.terminate();
    this.send(packet, () => {
      this.#unread -= 1;
    });
  }

  /** The client cannot be told to go elsewhere: it goes with its last stream, and comes back by itself. */
  #drain(): void {
    this.#isDraining = true;
    this.#leaveIfIdle();
  }

  #leaveIfIdle(): void {
    if (!this.#isDraining || this.#streams.size > 0 || !this.session.isIdle) return;
    this.#end(CloseCode.serviceRestart, 'the server is draining');
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.backlogs.close();
    // Its streams tell the client.
    this.session.leave(reason);
    if (!this.#hasBegun) this.send(closePacket(0, CloseReason.throttled));
    this.#ws.close(code === WITHOUT_CLOSE ? CloseCode.goingAway : code, reason);
  }
}

export interface WispSessionOptions {
  readonly clock: Clock;
  readonly memory: SlabPool;
  readonly processBudgets: ProcessBudgets;
  /** The client has extension 05. */
  readonly confirmsOpening: boolean;
  /** The far end of its session, for the server to take. */
  readonly onTransport: (transport: Transport) => void;
  /** Nothing more is to be read of the client until `onResume`. */
  readonly onPause: () => void;
  readonly onResume: () => void;
}

/** A datagram is dropped rather than kept beside so much, bytes. */
const CROWDED = 1_048_576;
const MOST_UNREAD = 10_000;
const WITHOUT_CLOSE = 1006;
