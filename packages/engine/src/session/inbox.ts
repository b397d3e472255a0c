import { readU16, readU32 } from '../bytes.js';
import { judge } from '../channel/channel-state.js';
import type { SessionChannel } from '../channel/session-channel.js';
import type { Clock } from '../clock.js';
import type { SessionFlow } from '../datagram/session-flow.js';
import { type ProtocolError, violation } from '../errors.js';
import { type FailureCode, failureFromWire } from '../failures.js';
import type { RoundTrip } from '../flow/round-trip.js';
import { decodeCall, isCall } from '../frame/call.js';
import { GATES } from '../frame/capabilities.js';
import { FrameType, HEADER_LENGTH } from '../frame/frame.js';
import { decodeIncoming, decodeListen, decodeListening } from '../frame/listen.js';
import { decodeFlow, decodeOpen, readCount } from '../frame/payload.js';
import type { SessionListener } from '../listen/session-listener.js';
import type { Acceptor } from './acceptor.js';
import type { Channels } from './channels.js';
import type { LinkHolder } from './link.js';
import type { Liveness } from './liveness.js';
import type { Outbox } from './outbox.js';
import type { Returner } from './returner.js';
import type { SessionCarrier } from './session-carrier.js';
import type { Loss, SessionOptions } from './session-options.js';
import type { Terms } from './terms.js';

/**
 * Everything that arrives: judges each frame by the state of its channel, passes it on, and counts the sequenced ones.
 * Throws ProtocolError for anything that a peer must not send.
 */
export class Inbox implements LinkHolder {
  /** Channels of ours that the peer has dialled so far. */
  opened = 0;

  readonly #session: InboxOwner;
  readonly #clock: Clock;
  readonly #terms: Terms;
  readonly #roundTrip: RoundTrip;
  readonly #options: SessionOptions;
  readonly #acceptor: Acceptor;
  readonly #carrier: SessionCarrier;
  readonly #channels: Channels;
  readonly #outbox: Outbox;
  readonly #returner: Returner;
  /** Of the present transport. */
  #liveness: Liveness | undefined;
  #handshake: HandshakeSink | undefined;
  /** The greetings on it are done: frames count from then on. */
  #live = false;
  /** When what is being read has arrived, by the clock. */
  #now = 0;
  /** Payload bytes of the DATA frame now arriving that were delivered, and how many of them a replay brings again. */
  #delivered = 0;
  #skip = 0;

  constructor(session: InboxOwner, parts: InboxParts) {
    const { options, terms, roundTrip, acceptor, carrier } = parts;
    this.#session = session;
    this.#options = options;
    this.#clock = options.clock;
    this.#terms = terms;
    this.#roundTrip = roundTrip;
    this.#acceptor = acceptor;
    this.#carrier = carrier;
    this.#channels = carrier.channels;
    this.#outbox = carrier.outbox;
    this.#returner = carrier.returner;
  }

  /** A new transport: nothing but the handshake is right, until `goLive`. */
  attach(handshake: HandshakeSink, liveness: Liveness): void {
    this.#handshake = handshake;
    this.#liveness = liveness;
    this.#now = this.#clock.now();
    this.#live = false;
    this.#skip = this.#delivered;
  }

  goLive(): void {
    this.#live = true;
  }

  onArrival(): void {
    this.#now = this.#clock.now();
    this.#liveness?.heard(this.#now);
  }

  onDrain(backlog: number): void {
    this.#liveness?.drained(this.#clock.now(), backlog);
    this.#outbox.flush();
  }

  onLost(loss: Loss): void {
    this.#session.detach(loss);
  }

  onViolation(error: ProtocolError): void {
    this.#session.fail(error);
  }

  onFrame(type: number, id: number, payload: Uint8Array): void {
    if (type === FrameType.hello || type === FrameType.resume) return this.#onHandshake(type, payload);
    if (!this.#live) throw violation('a frame before the answer to RESUME');
    this.#checkAgreed(type);
    switch (type) {
      case FrameType.ack:
        return this.#onAcknowledged(this.#outbox.acknowledge(readCount(payload)));
      case FrameType.taken:
        return this.#onAcknowledged(this.#outbox.acknowledgeTaken(readCount(payload), readCount(payload, 8)));
      case FrameType.datagram:
        return this.#onDatagram(id, payload);
      case FrameType.window:
      case FrameType.return:
      case FrameType.returned:
        return this.#onChannelFrame(type, id, payload);
      case FrameType.ping:
        return this.#outbox.pong(payload);
      case FrameType.pong:
        return this.#onPong(payload);
      case FrameType.goAway:
        return this.#session.onGoAway(payload[0] as number);
      default:
        this.#onSequenced(type, id, payload);
        this.#count(payload.length);
    }
  }

  #onSequenced(type: number, id: number, payload: Uint8Array): void {
    switch (type) {
      case FrameType.open:
        return this.#returner.watch(this.#acceptor.take(id, decodeOpen(payload)));
      case FrameType.flow:
        return this.#acceptor.takeFlow(id, decodeFlow(payload));
      case FrameType.listen:
        return this.#acceptor.takeListener(id, decodeListen(payload));
      case FrameType.incoming: {
        const channel = isCall(payload)
          ? this.#acceptor.takeCall(id, decodeCall(payload))
          : this.#acceptor.takeIncoming(id, decodeIncoming(payload));
        if (channel !== undefined) this.#returner.watch(channel);
        return;
      }
      default:
        return this.#onChannelFrame(type, id, payload);
    }
  }

  onData(id: number, piece: Uint8Array, last: boolean, type: number): void {
    if (!this.#live) throw violation('DATA before the answer to RESUME');
    if (type !== FrameType.data) this.#checkAgreed(type);
    const fresh = this.#skip === 0 ? piece : piece.subarray(Math.min(this.#skip, piece.length));
    this.#skip -= piece.length - fresh.length;
    this.#delivered += fresh.length;
    const channel = fresh.length > 0 ? this.#find(FrameType.data, id) : undefined;
    if (channel?.receiving.onData(fresh, !last) === false) throw violation(`channel ${id} got more than its window`);
    if (!last) return;
    if (this.#skip > 0) throw violation('a replayed frame is shorter than it was');
    this.#count(this.#delivered);
    this.#delivered = 0;
  }

  #checkAgreed(type: number): void {
    const gate = GATES[type];
    if (gate !== undefined && !this.#terms.has(gate)) throw violation(`frame type ${type} was not agreed on`);
  }

  #onHandshake(type: number, payload: Uint8Array): void {
    this.#handshake?.onHandshake(type, payload);
    this.#returner.arm();
    this.#carrier.onAgreed();
  }

  #onAcknowledged(bytes: number | undefined): void {
    if (bytes === undefined) throw violation('an acknowledgement of what was never sent');
    if (bytes > 0) this.#carrier.tellIdle();
  }

  #onPong(payload: Uint8Array): void {
    const time = this.#liveness?.answered(payload, this.#now);
    if (time === undefined) return;
    this.#outbox.noteAnswer();
    this.#roundTrip.note(time, this.#now);
    this.#options.onRoundTrip?.(time);
  }

  /** For a flow that is over, or was never opened, it is ignored. */
  #onDatagram(id: number, payload: Uint8Array): void {
    if (this.#channels.has(id) || this.#carrier.listeners?.find(id) !== undefined) {
      throw violation(`a datagram for channel or listener ${id}`);
    }
    this.#carrier.flows?.find(id)?.onDatagram(payload);
    this.#count(HEADER_LENGTH + payload.length, false);
  }

  #onFlowFrame(type: number, flow: SessionFlow, payload: Uint8Array): void {
    const isAnswer = type === FrameType.openOk || type === FrameType.openFail;
    const fits = isAnswer ? flow.state.opening === 'requested' : type === FrameType.reset;
    if (!fits) throw violation(`frame type ${type} does not fit flow ${flow.id}`);
    if (type === FrameType.openOk) flow.onOpened();
    else this.#onFailure(type, flow, failureFromWire(readU16(payload, 0)));
  }

  #onListenerFrame(type: number, listener: SessionListener, payload: Uint8Array): void {
    const isRequested = listener.state.opening === 'requested';
    if (type === FrameType.listening && isRequested) return listener.onListening(decodeListening(payload));
    if (type === FrameType.fin && listener.mayEnd) return listener.onFin();
    const isEnd = type === FrameType.reset || (type === FrameType.openFail && isRequested);
    if (!isEnd) throw violation(`frame type ${type} does not fit listener ${listener.id}`);
    listener.onDead(failureFromWire(readU16(payload, 0)));
  }

  #onChannelFrame(type: number, id: number, payload: Uint8Array): void {
    const flow = this.#carrier.flows?.find(id);
    if (flow !== undefined) return this.#onFlowFrame(type, flow, payload);
    const listener = this.#carrier.listeners?.find(id);
    if (listener !== undefined) return this.#onListenerFrame(type, listener, payload);
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
    this.#returner.watch(channel);
  }

  #onReturn(channel: SessionChannel, seen: number, keep: number): void {
    if (keep > seen) throw violation(`channel ${channel.id} gives back less than nothing`);
    channel.onReturn({ seen, keep });
    this.#outbox.answerReturn(channel, seen);
  }

  #onFailure(type: number, one: SessionChannel | SessionFlow, code: FailureCode): void {
    if (type === FrameType.openFail && code === 'GOING_AWAY') this.#carrier.onUndialled(one);
    else one.onDead(code);
  }

  /** The channel that a frame is for, if it is to be taken. */
  #find(type: number, id: number): SessionChannel | undefined {
    const channel = this.#channels.find(id);
    if (channel === undefined) {
      const { flows, listeners } = this.#carrier;
      if (flows?.find(id) !== undefined || listeners?.find(id) !== undefined) {
        throw violation(`frame type ${type} does not fit flow or listener ${id}`);
      }
      return undefined;
    }
    const verdict = judge(channel.state, type);
    if (verdict === 'violation') throw violation(`frame type ${type} does not fit the state of channel ${id}`);
    return verdict === 'take' ? channel : undefined;
  }

  #count(bytes: number, isCounted = true): void {
    this.#outbox.noteProcessed(bytes, isCounted);
    if (this.#liveness?.heardData(this.#now) === true) this.#outbox.ping();
  }
}

/** What the inbox works with. */
export interface InboxParts {
  readonly options: SessionOptions;
  readonly terms: Terms;
  readonly roundTrip: RoundTrip;
  readonly acceptor: Acceptor;
  readonly carrier: SessionCarrier;
}

/** The session, of which it knows no more. */
export interface InboxOwner {
  detach(loss: Loss): void;
  fail(error: ProtocolError): void;
  /** GOAWAY. */
  onGoAway(kind: number): void;
}

/** Takes HELLO and RESUME, no matter which is to come on a transport. May throw ProtocolError. */
export interface HandshakeSink {
  onHandshake(type: number, payload: Uint8Array): void;
}
