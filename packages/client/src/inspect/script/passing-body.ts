import type { Duplex } from 'node:stream';
import type { BodyReader } from 'wsproxy-node/http-message';
import { type ByteSource, send } from './byte-source.js';
import { TOO_LATE } from './calls.js';
import { MOST_BODY, type Room } from './room.js';

/** A body on its way. It streams on as it came, framing and all, unless the script has it read as a whole before. */
export class PassingBody {
  readonly #source: ByteSource;
  readonly #reader: BodyReader;
  readonly #room: Room;
  /** What was read for the script, as it came and without its framing. */
  #raw: Buffer[] = [];
  #content: Buffer[] = [];
  #held = 0;
  #isReleased = false;

  constructor(source: ByteSource, reader: BodyReader, room: Room) {
    this.#source = source;
    this.#reader = reader;
    this.#room = room;
  }

  /** Behind chunked content. */
  get trailers(): BodyReader['trailers'] {
    return this.#reader.trailers;
  }

  /**
   * The content, as it was sent.
   * @throws Error in a clause when that is too much, or cannot be read; it passes all the same
   */
  async hold(): Promise<Buffer> {
    while (!this.#reader.isOver) {
      await this.#source.whenReady();
      if (this.#isReleased) throw new Error(TOO_LATE);
      const raw = this.#next((piece) => this.#content.push(piece));
      if (raw === undefined) break;
      this.#raw.push(raw);
      this.#held += raw.length;
      if (!this.#room.take(raw.length)) throw new Error('too many bodies wait for the script');
      if (this.#held > MOST_BODY) throw new Error(`the body is larger than ${MOST_BODY / 1_048_576} MiB`);
    }
    return Buffer.concat(this.#content);
  }

  /** The script is done: nothing more is held. */
  release(): void {
    this.#isReleased = true;
  }

  /** Sends it as it came. `onContent` is told what passes, without its framing. */
  async pass(to: Duplex, onContent: (piece: Buffer) => void): Promise<void> {
    for (const piece of this.#content) onContent(piece);
    const raw = Buffer.concat(this.#raw);
    this.close();
    await send(to, raw);
    for (;;) {
      const next = await this.#read(onContent);
      if (next === undefined) return;
      await send(to, next);
    }
  }

  /** Whether all of it has come. What has come is not sent then, nor what still comes. */
  skip(): boolean {
    this.close();
    try {
      while (!this.#reader.isOver && this.#source.hasBytes) this.#next(() => {});
    } catch {
      // Where it ends is not known.
      return false;
    }
    return this.#reader.isOver || (this.#source.isOver && this.#reader.end());
  }

  /** Reads it to its end, and sends nothing of it. */
  async discard(): Promise<void> {
    this.close();
    try {
      while ((await this.#read(() => {})) !== undefined);
    } catch (error) {
      throw new Severed((error as Error).message);
    }
  }

  async #read(onContent: (piece: Buffer) => void): Promise<Buffer | undefined> {
    if (this.#reader.isOver) return undefined;
    await this.#source.whenReady();
    return this.#next(onContent);
  }

  #next(onContent: (piece: Buffer) => void): Buffer | undefined {
    const bytes = this.#source.take();
    if (bytes === undefined) {
      if (!this.#source.isOver || !this.#reader.end()) throw new Error('the connection has ended within a body');
      return undefined;
    }
    let used: number;
    try {
      used = this.#reader.read(bytes, onContent);
    } catch (error) {
      this.#source.putBack(bytes);
      throw new Unreadable((error as Error).message);
    }
    this.#source.putBack(bytes.subarray(used));
    return bytes.subarray(0, used);
  }

  /** Forgets what it holds. */
  close(): void {
    this.#room.give(this.#held);
    [this.#raw, this.#content, this.#held] = [[], [], 0];
  }
}

/** Sends a body as it came, or `own` in its place; without a body there is nothing to wait for. */
export async function sendBody(
  to: Duplex,
  body: PassingBody | undefined,
  own: Uint8Array | undefined,
  onContent: (piece: Uint8Array) => void,
): Promise<void> {
  if (own === undefined) return body?.pass(to, onContent);
  if (own.length > 0) onContent(own);
  await send(to, own);
  await body?.discard();
}

/** What was about to be read stays in its source. */
export class Unreadable extends Error {}

/** Where a body ends that is not sent on is not known: the rest of it would pass as a message of its own. */
export class Severed extends Error {}
