import { replaceControls, trimSpace, withoutCr } from './characters.js';
import { type Framed, frameResponse } from './frame-response.js';
import { MessageError } from './message-error.js';
import { readFields } from './read-fields.js';

/**
 * Reads the heads of the answers to one request, byte by byte if need be: any number of interim ones, then the final one.
 * It takes what programs take that have been on the web for long, and mends what strict ones would not: behind it stands
 * an application that may be either.
 */
export class ResponseHeadReader {
  readonly #method: string;
  readonly #limit: number;
  /** Of all heads. */
  #bytes = 0;
  /** What has come of the present head, empty lines before it left out; as text it does not hold on to whole reads. */
  #text = '';
  /** The line that has not ended yet has nothing but carriage returns. */
  #isLineEmpty = true;
  #rest: Buffer = EMPTY;

  /**
   * @param method of the request: what answers HEAD has no content.
   * @param limit bytes of all heads together: interim ones have no other end.
   */
  constructor(method: string, limit: number = MAX_RESPONSE_HEAD) {
    this.#method = method;
    this.#limit = limit;
  }

  /** Something of a head has come that is not complete. */
  get hasBegun(): boolean {
    return this.#text !== '';
  }

  /**
   * The next head, interim ones too; undefined when more is needed. Without an argument it goes on with what is in hand.
   * Throws MessageError.
   */
  read(chunk: Buffer = EMPTY): ResponseHead | undefined {
    const input = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = EMPTY;
    const begin = this.hasBegun ? 0 : skipSpace(input);
    const end = this.#findEnd(input, begin);
    this.#bytes += end ?? input.length;
    if (this.#bytes > this.#limit) throw new MessageError('too large', `its head is larger than ${this.#limit} bytes`);
    const isBeginning = this.#text.length < LONGEST_PROTOCOL;
    this.#text += input.toString('latin1', begin, end);
    if (isBeginning) checkProtocol(this.#text);
    if (end === undefined) return undefined;
    this.#rest = input.subarray(end);
    const text = this.#text;
    this.#text = '';
    return parseHead(text, this.#method);
  }

  /** What came behind the last head, from then on the caller's. */
  takeRest(): Buffer {
    const rest = this.#rest;
    this.#rest = EMPTY;
    return rest;
  }

  /** Behind the empty line that ends the head. */
  #findEnd(input: Buffer, begin: number): number | undefined {
    let lineStart = begin;
    for (;;) {
      const lineFeed = input.indexOf(LF, lineStart);
      const isEmpty = this.#isLineEmpty && isOnlyCr(input, lineStart, lineFeed === -1 ? input.length : lineFeed);
      this.#isLineEmpty = lineFeed !== -1 || isEmpty;
      if (lineFeed === -1) return undefined;
      lineStart = lineFeed + 1;
      if (isEmpty) return lineStart;
    }
  }
}

/** A final or interim response, mended. */
export interface ResponseHead extends Framed {
  /** Of three digits, and nearly always above 99. */
  readonly status: number;
  /** Without control characters; often empty. */
  readonly reason: string;
  /** Of HTTP/1.x; what is not HTTP/1.1 counts as 1.0. */
  readonly minor: 0 | 1;
}

/** RFC 9110 section 15.2; 101 is the last that is said in HTTP. */
export function isInterim({ status }: ResponseHead): boolean {
  return status >= 100 && status < 200 && status !== 101;
}

/** About what browsers and curl take: large cookies are not the application's fault. */
const MAX_RESPONSE_HEAD = 256 * 1024;

/** Throws for what nobody takes for HTTP, as soon as it shows: some protocols wait for an answer to their greeting. */
function checkProtocol(text: string): void {
  const begin = text.slice(0, LONGEST_PROTOCOL).toLowerCase();
  if (PROTOCOLS.some((protocol) => protocol.startsWith(begin) || begin.startsWith(protocol))) return;
  throw new MessageError('malformed', 'it is not HTTP');
}

function parseHead(text: string, method: string): ResponseHead {
  const lines = text.split('\n').map(withoutCr);
  const [statusLine = '', ...fieldLines] = lines.slice(0, -2);
  const [, protocol = '', digits = '', reason = ''] = STATUS_LINE.exec(statusLine) ?? [];
  if (digits === '') throw new MessageError('malformed', 'its status line is not that of HTTP');
  const status = Number(digits);
  const { fields, isPlain } = readFields(fieldLines);
  const framed = frameResponse(fields, method, status);
  const minor = protocol.toUpperCase() === 'HTTP/1.1' ? 1 : 0;
  // RFC 9112 section 6.1: HTTP/1.0 has no transfer codings.
  const isOdd = (minor === 0 && framed.framing.kind === 'chunked') || !PLAIN_STATUS_LINE.test(statusLine);
  const hasOddLines = /[^\r]\n|\r\r\n/.test(text);
  return {
    ...framed,
    status,
    reason: trimSpace(replaceControls(reason)),
    minor,
    isPlain: framed.isPlain && isPlain && !isOdd && !hasOddLines,
  };
}

/** Before the status line. */
function skipSpace(input: Buffer): number {
  let at = 0;
  while (SPACE.includes(input[at])) at += 1;
  return at;
}

function isOnlyCr(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] !== CR) return false;
  return true;
}

const EMPTY: Buffer = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;
const SPACE: readonly (number | undefined)[] = [CR, LF, 0x20, 0x09];
/** Radio stations say ICY where others say HTTP/1.0. */
const PROTOCOLS: readonly string[] = ['http/', 'icy '];
const LONGEST_PROTOCOL = 5;
/** Any version: what is written in it is always HTTP/1.x. The reason may be missing. */
const STATUS_LINE = /^(http\/\d+(?:\.\d+)?|icy)[ \t]+(\d{3})(?!\d)(.*)$/is;
const PLAIN_STATUS_LINE = /^HTTP\/1\.[01] \d{3}(?: [\t\x20-\x7e\x80-\xff]*)?$/;
