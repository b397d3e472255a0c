import type { Field } from './fields.js';

/** Takes content out of its framing, as it comes. */
export interface BodyReader {
  /** The content is complete: what follows does not belong to it. */
  readonly isOver: boolean;
  /** Nothing had to be mended so far. */
  readonly isPlain: boolean;
  /** The fields behind chunked content; undefined while their end has not come. */
  readonly trailers: readonly Field[] | undefined;
  /**
   * Hands on the content in `input`, as views of it. Returns how many bytes belong to the message: all of them, unless it is
   * over. Throws MessageError.
   */
  read(input: Buffer, onContent: (piece: Buffer) => void): number;
  /** The connection has ended. True when that completes the content, false when it cuts it. */
  end(): boolean;
}

/** How the content of a message is delimited (RFC 9112 section 6). */
export type Framing =
  | { readonly kind: 'none' | 'chunked' | 'close' }
  | { readonly kind: 'length'; readonly length: number };
