/** At most this many bytes wait for a reader that is slow or gone; further lines are dropped and counted. */
const MAX_QUEUED = 1024 * 1024;

/** The part of a writable stream that a log needs. */
export interface LogStream {
  write(bytes: Uint8Array, callback: (error?: Error | null) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
}

/**
 * Writes lines to a stream that may fail or stall at any time. A full disk, a closed pipe or a reader that never reads
 * costs lines, never the process: nothing throws, nothing blocks, and what waits is bounded.
 */
export class LogDestination {
  readonly #stream: LogStream;
  readonly #onDropped: (total: number) => void;
  #queued = 0;
  #dropped = 0;
  #reported = 0;

  /** `onDropped` is told how many lines were lost since the start, once writing works again. */
  constructor(stream: LogStream, onDropped: (total: number) => void) {
    this.#stream = stream;
    this.#onDropped = onDropped;
    // Each failure also reaches the callback of its write; without a listener it would end the process.
    stream.on('error', () => {});
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#queued + bytes.length > MAX_QUEUED) {
      this.#dropped += 1;
      return;
    }
    this.#queued += bytes.length;
    this.#stream.write(bytes, (error) => this.#written(bytes.length, error));
  }

  #written(length: number, error: Error | null | undefined): void {
    this.#queued -= length;
    if (error) {
      this.#dropped += 1;
    } else if (this.#dropped > this.#reported && this.#queued <= MAX_QUEUED / 2) {
      // A total cannot be lost with the line that tells it: the next one tells it again.
      this.#reported = this.#dropped;
      this.#onDropped(this.#dropped);
    }
  }
}
