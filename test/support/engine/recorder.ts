import { join } from '../../../packages/engine/src/bytes.js';
import type { Channel } from '../../../packages/engine/src/channel/channel.js';
import type { ChannelSink, OpenHandler } from '../../../packages/engine/src/channel/handlers.js';
import type { FailureCode } from '../../../packages/engine/src/failures.js';
import { bytesOf, textOf } from './bytes.js';

/** Records what a channel brings, and gives credit back at once unless `stopped`. */
export class Recorder implements ChannelSink, OpenHandler {
  stopped = false;
  /** What happened, in order; data only by its first occurrence in a row. */
  readonly events: string[] = [];
  writable = 0;
  #channel: Channel | undefined;
  #unread = 0;
  readonly #chunks: Uint8Array[] = [];

  get channel(): Channel {
    if (this.#channel === undefined) throw new Error('the recorder has no channel yet');
    return this.#channel;
  }

  get bytes(): Uint8Array {
    return join(this.#chunks);
  }

  get text(): string {
    return textOf(this.bytes);
  }

  take(channel: Channel): this {
    this.#channel = channel;
    channel.start(this);
    return this;
  }

  /** Takes everything that came while it was stopped, and goes on. */
  goOn(): void {
    this.stopped = false;
    const bytes = this.#unread;
    this.#unread = 0;
    this.channel.consumed(bytes);
  }

  onOpen(): void {
    this.events.push('open');
  }
  onFail(code: FailureCode): void {
    this.events.push(`fail ${code}`);
  }
  onData(chunk: Uint8Array): void {
    this.#chunks.push(bytesOf(chunk));
    if (this.events.at(-1) !== 'data') this.events.push('data');
    if (this.stopped) this.#unread += chunk.length;
    else this.#channel?.consumed(chunk.length);
  }
  onEnd(): void {
    this.events.push('end');
  }
  onReset(code: FailureCode): void {
    this.events.push(`reset ${code}`);
  }
  onWritable(): void {
    this.writable += 1;
  }
}
