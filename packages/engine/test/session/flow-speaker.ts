import { isEqual } from 'wsproxy-test-support/engine/bytes';
import { u32 } from 'wsproxy-test-support/engine/oracle-codec';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { join, readU32 } from '../../src/bytes.js';
import type { OpenHandler } from '../../src/channel/handlers.js';
import type { Flow, FlowSink, Peer } from '../../src/datagram/flow.js';
import type { FailureCode } from '../../src/failures.js';

/** Whom flows for any peer speak to, by the number of the datagram. */
const PEERS: readonly Peer[] = [
  { host: '192.0.2.1', port: 53 },
  { host: '2001:db8::7', port: 443 },
  { host: 'example.org', port: 65_535 },
];
/** In front of the pattern: the key of who has sent it, and its number. */
const HEAD = 8;

/**
 * One end of a flow in a simulation: numbers what it sends, and throws at anything that comes which the other end has not
 * sent, or has come before.
 */
export class FlowSpeaker implements OpenHandler, FlowSink {
  flow: Flow | undefined;
  /** Lengths of what was sent, by number. */
  readonly sent: number[] = [];
  readonly came = new Set<number>();
  opened = false;
  failure: FailureCode | undefined;
  /** It has closed or refused the flow itself. */
  isClosed = false;
  readonly #key: number;
  #other: FlowSpeaker | undefined;

  constructor(key: number) {
    this.#key = key;
  }

  static pair(key: number): [near: FlowSpeaker, far: FlowSpeaker] {
    const [near, far] = [new FlowSpeaker(key), new FlowSpeaker(key + 1)];
    near.#other = far;
    far.#other = near;
    return [near, far];
  }

  send(length: number): void {
    const { flow } = this;
    if (flow === undefined || flow.state.dead) return;
    const number = this.sent.length;
    this.sent.push(length);
    flow.send(join([u32(this.#key), u32(number), pattern(this.#key + number, 0, length)]), peerOf(flow, number));
  }

  close(): void {
    this.isClosed = true;
    this.flow?.close('TIMED_OUT');
  }

  onOpen(): void {
    if (this.opened || this.failure !== undefined) throw new Error('a flow was opened twice');
    this.opened = true;
  }

  onFail(code: FailureCode): void {
    if (this.opened || this.failure !== undefined) throw new Error('a flow failed that was open, or had failed');
    this.failure = code;
  }

  onDatagram(data: Uint8Array, from: Peer | undefined): void {
    const { flow } = this;
    const [key, number] = [readU32(data, 0), readU32(data, 4)];
    const length = this.#other?.sent[number];
    if (flow === undefined || flow.state.dead) throw new Error('a datagram came for a flow that is over');
    if (key !== this.#key + 1 && key !== this.#key - 1) throw new Error('a datagram came in another flow');
    if (length === undefined) throw new Error('a datagram came that nobody has sent');
    if (this.came.has(number)) throw new Error('a datagram came twice');
    this.came.add(number);
    if (!isEqual(data.subarray(HEAD), pattern(key + number, 0, length)))
      throw new Error('a datagram is not what was sent');
    const peer = peerOf(flow, number);
    if (from?.host !== peer?.host || from?.port !== peer?.port) throw new Error('a datagram is from somebody else');
  }
}

function peerOf(flow: Flow, number: number): Peer | undefined {
  return flow.target === undefined ? PEERS[number % PEERS.length] : undefined;
}
