import { bytesOf, isEqual } from 'wsproxy-test-support/engine/bytes';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import type { Recorder } from 'wsproxy-test-support/engine/recorder';
import { SimLink } from 'wsproxy-test-support/engine/sim-link';
import { join } from '../../src/bytes.js';
import { SessionPair } from './session-pair.js';

/** Sizes that make several frames in each direction, small enough to be cut at every byte. */
const UP = 300;
const DOWN = 500;

/** A short scripted conversation on three channels, over a transport that a test cuts where it likes. */
export class Exchange {
  readonly pair = new SessionPair();
  /** Echoing, refused, and reset by the far end after some data. */
  readonly channels: readonly [echo: Recorder, refused: Recorder, reset: Recorder];
  /** What the echoing far end read. */
  readonly far: { bytes: Uint8Array[]; ends: number } = { bytes: [], ends: 0 };
  link = new SimLink();

  constructor() {
    this.pair.keeper.onChannel = (channel) => {
      if (channel.id === 3) return channel.refuse('DENIED');
      channel.accept();
      channel.start({
        onData: (chunk) => {
          if (channel.id === 1) this.far.bytes.push(bytesOf(chunk));
          channel.consumed(chunk.length);
        },
        onEnd: () => {
          if (channel.id === 1) this.far.ends += 1;
          channel.write(pattern(channel.id, 0, DOWN));
          if (channel.id === 5) channel.end('CONNECTION_RESET');
          else channel.end();
        },
        onReset() {},
        onWritable() {},
      });
    };
    this.pair.join(...this.link.ends);
    this.channels = [this.pair.request(), this.pair.request(), this.pair.request()];
    const [echo, , reset] = this.channels;
    for (let at = 0; at < UP; at += 100) echo.channel.write(pattern(0, at, 100));
    echo.channel.end();
    reset.channel.end();
  }

  /** Delivers until `limit` bytes went in `direction`, or all has been said; the number of bytes that went. */
  run(direction: 0 | 1, limit = Number.POSITIVE_INFINITY): number {
    let bytes = 0;
    for (let idle = 0; idle < 4; ) {
      idle = this.pair.clock.runDeferred() ? 0 : idle + 1;
      for (const way of [0, 1] as const) {
        const { backlog } = this.link.ends[way];
        const count = way === direction ? Math.min(backlog, limit - bytes) : backlog;
        // With nothing under way, the end may still learn that the other one has closed.
        if (count === 0 && backlog > 0) continue;
        if (this.link.deliver(way, count)) idle = 0;
        if (way === direction) bytes += count;
        if (bytes === limit) return bytes;
      }
      this.pair.clock.advance(5);
    }
    return bytes;
  }

  /** Loses the transport, and all that is under way in it; `informed` ends learn of it before the next one comes. */
  cut(informed: boolean): void {
    this.link.cut([0, 1]);
    if (informed) for (const way of [0, 1] as const) this.link.deliver(way, 1);
  }

  reconnect(): void {
    this.link = new SimLink();
    this.pair.join(...this.link.ends);
  }

  /** What must have come of it, however often the transport was lost. */
  get outcome(): object {
    const [echo, refused, reset] = this.channels;
    return {
      echo: echo.events,
      echoed: isEqual(echo.bytes, pattern(1, 0, DOWN)),
      heard: isEqual(join(this.far.bytes), pattern(0, 0, UP)),
      ends: this.far.ends,
      refused: refused.events,
      reset: reset.events,
      beforeReset: isEqual(reset.bytes, pattern(5, 0, DOWN)),
      channels: this.pair.client.channelCount,
    };
  }
}

export const GOOD: object = {
  echo: ['open', 'data', 'end'],
  echoed: true,
  heard: true,
  ends: 1,
  refused: ['fail DENIED'],
  reset: ['open', 'data', 'reset CONNECTION_RESET'],
  beforeReset: true,
  channels: 0,
};
