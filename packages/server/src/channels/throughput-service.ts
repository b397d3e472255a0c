import { Duplex } from 'node:stream';
import { MAX_THROUGHPUT } from 'wsproxy-engine';

const HEAD_LENGTH = 8;
const PIECE = Buffer.alloc(65_536);

/** Stands for a destination (PROTOCOL.md section 5): takes what comes, and after the end of it sends as much as its first 8 bytes say, then ends. */
export class ThroughputService extends Duplex {
  #head = Buffer.alloc(0);
  #left = 0;
  #isAsked = false;

  constructor() {
    super({ allowHalfOpen: true });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#head.length < HEAD_LENGTH) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, HEAD_LENGTH - this.#head.length)]);
    }
    done();
  }

  override _final(done: (error?: Error) => void): void {
    if (this.#head.length < HEAD_LENGTH) return done(new Error('ended before it had asked'));
    const wanted = this.#head.readBigUInt64BE();
    this.#left = wanted > MAX_THROUGHPUT ? MAX_THROUGHPUT : Number(wanted);
    this.#isAsked = true;
    done();
    this._read();
  }

  override _read(): void {
    if (!this.#isAsked) return;
    const piece = PIECE.subarray(0, this.#left);
    this.#left -= piece.length;
    this.push(piece.length > 0 ? piece : null);
  }
}
