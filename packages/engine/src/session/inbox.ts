import { readU16, readU32 } from '../bytes.js';
import { judge } from '../channel/channel-state.js';
import type { SessionChannel } from '../channel/session-channel.js';
import { violation } from '../errors.js';
import { type FailureCode, failureFromWire } from '../failures.js';
import { type Capability, GATES } from '../frame/capabilities.js';
import type { FrameSink } from '../frame/decode.js';
import { FrameType } from '../frame/frame.js';
import { decodeOpen, type Open, readCount } from '../frame/payload.js';
import type { Channels } from './channels.js';
import type { Outbox } from './outbox.js';
import type { Prober } from './prober.js';

/** What the inbox leaves to the session. All may throw ProtocolError. */
export interface InboxEvents {
  /** HELLO or RESUME. */
  onHandshake(type: number, payload: Uint8Array): void;
  onOpen(id: number, open: Open): void;
  /** The peer takes no more channels, and has not dialled this one. */
  onUndialled(channel: SessionChannel): void;
  onAcknowledged(): void;
  /** The channel may send more than before. */
  onCredit(channel: SessionChannel): void;
  /** Whether both ends can do this. */
  has(capability: Capability): boolean;
  onGoAway(kind: number): void;
}

/**
 * Everything that arrives: judges each frame by the state of its channel, passes it on, and counts the sequenced ones.
 * Throws ProtocolError for whatever a peer must not send.
 */
export class Inbox implements FrameSink {
  readonly #channels: Channels;
  readonly #outbox: Outbox;
  readonly #prober: Prober;
  readonly #events: InboxEvents;
  /** The present transport's greetings are done: frames count from then on. */
  #live = false;
  /** Channels of ours that the peer has dialled so far. */
  opened = 0;
  /** Payload bytes of the DATA frame now arriving that were delivered, and how many of them a replay brings again. */
  #delivered = 0;
  #skip = 0;

  constructor(channels: Channels, outbox: Outbox, prober: Prober, events: InboxEvents) {
    this.#channels = channels;
    this.#outbox = outbox;
    this.#prober = prober;
    this.#events = events;
  }

  /** A new transport: nothing but the handshake is right, until `goLive`. */
  restart(): void {
    this.#live = false;
    this.#skip = this.#delivered;
  }

  goLive(): void {
    this.#live = true;
  }

  onFrame(type: number, id: number, payload: Uint8Array): void {
    if (type === FrameType.hello || type === FrameType.resume) return this.#events.onHandshake(type, payload);
    if (!this.#live) throw violation('a frame before the answer to RESUME');
    const gate = GATES[type];
    if (gate !== undefined && !this.#events.has(gate)) throw violation(`frame type ${type} was not agreed on`);
    switch (type) {
      case FrameType.ack:
        if (!this.#outbox.acknowledge(readCount(payload))) throw violation('an ACK for what was never sent');
        return this.#events.onAcknowledged();
      case FrameType.window:
      case FrameType.return:
      case FrameType.returned:
        return this.#onChannelFrame(type, id, payload);
      case FrameType.ping:
        return this.#outbox.pong(payload);
      case FrameType.pong:
        return this.#prober.onPong(payload);
      case FrameType.goAway:
        return this.#events.onGoAway(payload[0] as number);
      default:
        if (type === FrameType.open) this.#events.onOpen(id, decodeOpen(payload));
        else this.#onChannelFrame(type, id, payload);
        this.#count(payload.length);
    }
  }

  onData(id: number, piece: Uint8Array, last: boolean): void {
    if (!this.#live) throw violation('DATA before the answer to RESUME');
    const fresh = this.#skip === 0 ? piece : piece.subarray(Math.min(this.#skip, piece.length));
    this.#skip -= piece.length - fresh.length;
    this.#delivered += fresh.length;
    if (fresh.length > 0) this.#deliver(id, fresh, !last);
    if (!last) return;
    if (this.#skip > 0) throw violation('a replayed frame is shorter than it was');
    this.#count(this.#delivered);
    this.#delivered = 0;
  }

  #deliver(id: number, piece: Uint8Array, isMore: boolean): void {
    const channel = this.#find(FrameType.data, id);
    if (channel !== undefined && !channel.receiving.onData(piece, isMore))
      throw violation(`channel ${id} got more than its window`);
  }

  #onChannelFrame(type: number, id: number, payload: Uint8Array): void {
    const channel = this.#find(type, id);
    if (channel === undefined) return;
    switch (type) {
      case FrameType.return:
        return this.#onReturn(channel, readCount(payload), readCount(payload, 8));
      case FrameType.fin:
        return channel.onFin();
      case FrameType.window:
        channel.onLimit(readCount(payload));
        break;
      case FrameType.returned:
        channel.onLimit(readCount(payload, 8), readCount(payload));
        break;
      case FrameType.openOk:
        this.opened += 1;
        channel.onOpened(readU32(payload, 0));
        break;
      default:
        return this.#onFailure(type, channel, failureFromWire(readU16(payload, 0)));
    }
    this.#events.onCredit(channel);
  }

  #onReturn(channel: SessionChannel, seen: number, keep: number): void {
    if (keep > seen) throw violation(`channel ${channel.id} gives back less than nothing`);
    channel.onReturn({ seen, keep });
    this.#outbox.answerReturn(channel, seen);
  }

  #onFailure(type: number, channel: SessionChannel, code: FailureCode): void {
    if (type === FrameType.openFail && code === 'GOING_AWAY') this.#events.onUndialled(channel);
    else channel.onDead(code);
  }

  /** The channel that a frame is for, if it is to be taken. */
  #find(type: number, id: number): SessionChannel | undefined {
    const channel = this.#channels.find(id);
    if (channel === undefined) return undefined;
    const verdict = judge(channel.state, type);
    if (verdict === 'violation') throw violation(`frame type ${type} does not fit the state of channel ${id}`);
    return verdict === 'take' ? channel : undefined;
  }

  #count(bytes: number): void {
    this.#outbox.noteProcessed(bytes);
    this.#prober.onData();
  }
}
