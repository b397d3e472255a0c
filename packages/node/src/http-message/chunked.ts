import type { BodyReader } from './body-reader.js';
import { replaceControls, withoutCr } from './characters.js';
import { endToEnd, type Field, formatFields } from './fields.js';
import { MessageError } from './message-error.js';
import { readFields } from './read-fields.js';

/** Content in chunks (RFC 9112 section 7.1). Extensions are left out, trailer fields are kept. */
export class ChunkedReader implements BodyReader {
  readonly #strict: boolean;
  #state: 'size' | 'content' | 'end of chunk' | 'trailers' | 'over' = 'size';
  /** Of the chunk. */
  #left = 0;
  /** What has come of a line. */
  #line = '';
  readonly #trailerLines: string[] = [];
  #trailerBytes = 0;
  #trailers: readonly Field[] | undefined;
  #isPlain = true;

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  get isPlain(): boolean {
    return this.#isPlain;
  }

  get trailers(): readonly Field[] | undefined {
    return this.#trailers;
  }

  read(input: Buffer, onContent: (piece: Buffer) => void): number {
    let at = 0;
    while (at < input.length && this.#state !== 'over') {
      if (this.#state !== 'content') {
        at = this.#readLine(input, at);
        continue;
      }
      const piece = input.subarray(at, at + this.#left);
      this.#left -= piece.length;
      at += piece.length;
      if (this.#left === 0) this.#state = 'end of chunk';
      onContent(piece);
    }
    return at;
  }

  end(): boolean {
    // RFC 9112 section 8: with the last chunk it is complete, though the end of its trailers may be missing.
    if (this.#state === 'trailers' && !this.#strict) this.#state = 'over';
    return this.isOver;
  }

  #readLine(input: Buffer, from: number): number {
    const lineFeed = input.indexOf(LF, from);
    const end = lineFeed === -1 ? input.length : lineFeed;
    this.#line += input.toString('latin1', from, end);
    if (this.#line.length > MAX_LINE) throw new MessageError('too large', 'a line between its chunks is too long');
    if (this.#state === 'end of chunk' && !/^\r*$/.test(this.#line)) throw malformed('a chunk is longer than its size');
    if (lineFeed === -1) return end;
    const line = withoutCr(this.#line);
    if (this.#line !== `${line}\r` || replaceControls(line) !== line)
      this.#mend('a line between its chunks does not end in CR LF');
    this.#line = '';
    this.#takeLine(line);
    return end + 1;
  }

  #takeLine(line: string): void {
    if (this.#state === 'size') this.#takeSize(line);
    else if (this.#state === 'end of chunk') this.#state = 'size';
    else if (line === '') this.#takeTrailers();
    else {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > MAX_LINE) throw new MessageError('too large', 'its trailers are too large');
      this.#trailerLines.push(line);
    }
  }

  #takeSize(line: string): void {
    const [, digits = ''] = /^[ \t]*([0-9a-f]+)(?!x)/i.exec(line) ?? [];
    const size = Number.parseInt(digits, 16);
    if (!Number.isSafeInteger(size)) throw malformed('the size of a chunk is not a number');
    if (!PLAIN_SIZE.test(line)) this.#mend('there is more than a number in the size of a chunk');
    this.#left = size;
    this.#state = size === 0 ? 'trailers' : 'content';
  }

  #takeTrailers(): void {
    const { fields, isPlain } = readFields(this.#trailerLines);
    if (!isPlain) this.#mend('its trailers are not fields');
    this.#trailers = fields;
    this.#state = 'over';
  }

  #mend(what: string): void {
    if (this.#strict) throw malformed(what);
    this.#isPlain = false;
  }
}

/**
 * As `body.read`, but hands on what has come together as one chunk in its parts, however small the pieces were in which it
 * has come. Of nothing there is no chunk: it would end the content.
 */
export function readAsChunk(body: BodyReader, input: Buffer, onChunk: (parts: readonly Buffer[]) => void): number {
  const pieces: Buffer[] = [];
  try {
    return body.read(input, (piece) => pieces.push(piece));
  } finally {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (length > 0) onChunk([Buffer.from(`${length.toString(16)}\r\n`), ...pieces, Buffer.from('\r\n')]);
  }
}

/** What ends the content. `trailers` of a reader: those that are undefined have no end here either. */
export function lastChunk(trailers: readonly Field[] | undefined): string {
  return trailers === undefined ? '0\r\n' : `0\r\n${formatFields(endToEnd(trailers, ...NO_TRAILERS))}\r\n`;
}

function malformed(what: string): MessageError {
  return new MessageError('malformed', what);
}

const LF = 0x0a;
/** Of a line between chunks, whose extension may be any; and of all trailers together. */
const MAX_LINE = 16 * 1024;
const PLAIN_SIZE = /^[0-9a-f]+(?:[ \t]*;.*)?$/i;
/** RFC 9110 section 6.5.1: a message is not routed by what comes behind it. */
const NO_TRAILERS: readonly string[] = ['host'];
