import type { Channel, ChannelSink, FailureCode, OpenHandler } from 'wsproxy-engine';

/** Records what a channel brings, and takes all of it at once. */
export class ChannelLog implements ChannelSink, OpenHandler {
  /** What happened, in order; data only by its first occurrence in a row. */
  readonly events: string[] = [];
  readonly #chunks: Buffer[] = [];
  #channel: Channel | undefined;

  get channel(): Channel {
    if (this.#channel === undefined) throw new Error('there is no channel yet');
    return this.#channel;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  watch(channel: Channel): this {
    this.#channel = channel;
    channel.start(this);
    return this;
  }

  onOpen(): void {
    this.events.push('open');
  }
  onFail(code: FailureCode): void {
    this.events.push(`fail ${code}`);
  }
  onData(chunk: Buffer): void {
    this.#chunks.push(Buffer.from(chunk));
    if (this.events.at(-1) !== 'data') this.events.push('data');
    this.#channel?.consumed(chunk.length);
  }
  onEnd(): void {
    this.events.push('end');
  }
  onReset(code: FailureCode): void {
    this.events.push(`reset ${code}`);
  }
  onWritable(): void {}
}
