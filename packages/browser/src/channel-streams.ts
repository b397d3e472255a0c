import { type Channel, type FailureCode, finishChannel, systemClock, TunnelError } from 'wsproxy-engine';
import type { OpenConnection } from './connection.js';
import { Incoming } from './incoming.js';
import { Outgoing } from './outgoing.js';

/** A channel that is open as streams of the web. */
export class ChannelStreams implements OpenConnection {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<BufferSource>;
  readonly closed: Promise<void>;
  readonly #channel: Channel;
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  /** Both directions were ended here. */
  #isClosed = false;
  #tellClosed: () => void = () => {};

  constructor(channel: Channel) {
    this.#channel = channel;
    const onDone = (): void => {
      // What was written, and nobody has got yet, waits as long as the session otherwise.
      if (this.#incoming.isDropped && this.#outgoing.isDone) this.#finish();
    };
    this.#incoming = new Incoming(channel, onDone);
    this.#outgoing = new Outgoing(channel, onDone, () => {
      channel.reset('CANCELLED');
      this.#incoming.lose(new TunnelError('CANCELLED'));
    });
    this.readable = this.#incoming.stream;
    this.writable = this.#outgoing.stream;
    channel.start({
      onData: (chunk) => this.#incoming.take(chunk),
      onEnd: () => this.#incoming.end(),
      onReset: (code) => this.#onReset(code),
      onWritable: () => this.#outgoing.feed(),
    });
    this.closed = new Promise((resolve, reject) => {
      this.#tellClosed = resolve;
      channel.onOver(() => {
        const { failure } = channel.figures;
        if (failure === undefined) resolve();
        else reject(new TunnelError(failure));
      });
    });
    this.closed.catch(() => {});
  }

  close(): void {
    const isWhole = this.#outgoing.isWhole;
    this.#incoming.close();
    this.#outgoing.close();
    this.#finish(isWhole ? undefined : 'CANCELLED');
  }

  #onReset(code: FailureCode): void {
    const loss = new TunnelError(code);
    this.#incoming.lose(loss);
    this.#outgoing.lose(loss);
  }

  /** Nobody reads or writes here any more. */
  #finish(failure?: FailureCode): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tellClosed();
    finishChannel(this.#channel, systemClock, failure);
  }
}
