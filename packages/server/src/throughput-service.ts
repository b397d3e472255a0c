import { Duplex, pipeline } from 'node:stream';
import { type Channel, ChannelStream, type RelayPace, systemClock, type Timer } from 'wsproxy-protocol';

/** The name under which clients ask for the service; RFC 6761 keeps it from ever being anybody's. */
const HOST = 'throughput.wsproxy.invalid';
/** Of what a client may have sent back, bytes. */
const MAX_WANTED = 64 * 1024 * 1024;
const HEAD_LENGTH = 8;
const PIECE = Buffer.alloc(65_536);

export function isThroughputService({ target }: Pick<Channel, 'target'>): boolean {
  return target.host === HOST;
}

/** Answers a channel that asks for the service (PROTOCOL.md section 5); it counts and is paced as any other. */
export function serveThroughput(channel: Channel, pace: RelayPace): void {
  channel.accept();
  const stream = new ChannelStream(channel);
  // Whoever has opened the channel learns by its reset that something was wrong.
  pipeline(stream, new ThroughputService(pace), stream, () => {});
}

/** Stands for a destination: takes what comes, and after the end of it sends as much as its first 8 bytes say, then ends. */
export class ThroughputService extends Duplex {
  readonly #pace: RelayPace;
  #timer: Timer | undefined;
  #head = Buffer.alloc(0);
  #left = 0;
  #isAsked = false;

  constructor(pace: RelayPace) {
    super({ allowHalfOpen: true });
    this.#pace = pace;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#head.length < HEAD_LENGTH) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, HEAD_LENGTH - this.#head.length)]);
    }
    this.#after(this.#pace.toSocket(chunk.length), done);
  }

  override _final(done: (error?: Error) => void): void {
    if (this.#head.length < HEAD_LENGTH) return done(new Error('ended before it had asked'));
    const wanted = this.#head.readBigUInt64BE();
    this.#left = wanted > MAX_WANTED ? MAX_WANTED : Number(wanted);
    this.#isAsked = true;
    done();
    this._read();
  }

  override _read(): void {
    if (!this.#isAsked || this.#timer !== undefined) return;
    const piece = PIECE.subarray(0, this.#left);
    if (piece.length === 0) return void this.push(null);
    this.#left -= piece.length;
    this.#after(this.#pace.fromSocket(piece.length), () => this.push(piece));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#timer?.cancel();
    done(error);
  }

  #after(wait: number, action: () => void): void {
    if (wait <= 0) return action();
    this.#timer = systemClock.setTimer(() => {
      this.#timer = undefined;
      action();
    }, wait);
  }
}
