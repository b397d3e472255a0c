import {
  type Clock,
  deafReceiver,
  join,
  systemClock,
  type Timer,
  type Transport,
  type TransportReceiver,
} from 'wsproxy-engine';

/** A WebSocket of the browser, which is open, as a transport. */
export class WebSocketTransport implements Transport {
  receiver: TransportReceiver = deafReceiver;
  readonly #socket: WebSocket;
  readonly #clock: Pick<Clock, 'setTimer'>;
  /** What waited in the browser at the last look, bytes. */
  #waiting = 0;
  #timer: Timer | undefined;

  constructor(socket: WebSocket, clock: Pick<Clock, 'setTimer'> = systemClock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data === 'string') this.receiver.onText();
      else this.receiver.onBytes(new Uint8Array(data));
      this.#look();
    };
    socket.onclose = ({ code, reason }) => {
      this.#timer?.cancel();
      this.receiver.onClose(code, reason);
    };
  }

  get backlog(): number {
    return this.#socket.bufferedAmount;
  }

  /** In as few messages as can be: each costs the browser a call to another process. */
  send(parts: readonly Uint8Array[]): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const [first] = parts;
    const bytes = (parts.length === 1 && first !== undefined ? first : join(parts)) as Uint8Array<ArrayBuffer>;
    for (let at = 0; at < bytes.length; at += LARGEST_MESSAGE) {
      this.#socket.send(bytes.subarray(at, at + LARGEST_MESSAGE));
    }
    this.#waiting = this.backlog;
    this.#lookLater();
  }

  /** Of the codes that are no page's own, a page may say only 1000. */
  close(code: number, reason: string): void {
    const isAllowed = code === 1000 || (code >= 3000 && code <= 4999);
    this.#socket.close(isAllowed ? code : BROKEN, shorten(reason));
  }

  /** A page cannot cut a connection: it says that it closes, and hears nothing more. */
  terminate(): void {
    this.#timer?.cancel();
    this.#socket.onmessage = null;
    this.#socket.close();
  }

  /** A browser does not tell when it has sent something. */
  #look(): void {
    const before = this.#waiting;
    this.#waiting = this.backlog;
    if (this.#waiting < before) this.receiver.onDrain();
    this.#lookLater();
  }

  #lookLater(): void {
    // By one that closes nothing can be sent any more, and its end may be long in coming.
    if (this.#waiting === 0 || this.#timer !== undefined || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined;
      this.#look();
    }, LOOK_INTERVAL);
  }
}

/** A server closes the WebSocket at a longer one (PROTOCOL.md section 11), bytes. */
const LARGEST_MESSAGE = 262_144;
/** ms. */
const LOOK_INTERVAL = 20;
/** The peer has broken the protocol (PROTOCOL.md section 10). */
const BROKEN = 4003;
/** RFC 6455 section 5.5: bytes. */
const LONGEST_REASON = 123;

function shorten(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= LONGEST_REASON) return reason;
  return new TextDecoder().decode(bytes.subarray(0, LONGEST_REASON - 3)).replace(/\ufffd+$/, '');
}
