import type { Framing } from './body-reader.js';
import { trimSpace } from './characters.js';
import { type Field, valuesOf } from './fields.js';
import { MessageError } from './message-error.js';

/**
 * Reads the head of a request, however it is sliced. What is merely odd is taken: any method, any byte beyond ASCII in the
 * URI, empty lines before, LF in place of every CRLF. What two readers could understand in two ways is refused, as early
 * as it shows (RFC 9112 section 11.2): somebody before us may have read it in the other.
 */
export class RequestHeadReader {
  #held: Buffer = EMPTY;
  /** Where the line begins that has not ended yet, and how far it was looked at. */
  #lineStart = 0;
  #seen = 0;
  #lines: string[] = [];
  #lineEnd: LineEnd | undefined;

  /** Something of a request has come; empty lines are nothing of it. */
  get hasBegun(): boolean {
    return this.#lines.length > 0 || this.#held.length > this.#lineStart;
  }

  /** Undefined when more is needed. Throws MessageError, of which the message is for the one who has sent the request. */
  read(chunk: Buffer): RequestHead | undefined {
    this.#held = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    const head = this.#held.subarray(0, MAX_HEAD);
    for (let end = head.indexOf(LF, this.#seen); end !== -1; end = head.indexOf(LF, this.#lineStart)) {
      const line = this.#takeLine(head, end);
      if (line !== '') this.#add(line);
      // RFC 9112 section 2.2: some applications send an empty line more behind the content of the request before.
      else if (this.#lines.length > 0) return parseHead(this.#lines);
    }
    this.#checkBegun(head);
    if (this.#held.length > MAX_HEAD) {
      throw new MessageError('too large', 'the head of the request is larger than 64 KiB');
    }
    this.#seen = head.length;
    return undefined;
  }

  /** What came behind the head, once it was read. */
  get rest(): Buffer {
    return this.#held.subarray(this.#lineStart);
  }

  /** Without its end. RFC 9112 section 2.2 allows LF alone; one head that has both is two heads to two readers. */
  #takeLine(head: Buffer, end: number): string {
    const isCrLf = end > this.#lineStart && head[end - 1] === CR;
    const line = head.toString('latin1', this.#lineStart, isCrLf ? end - 1 : end);
    this.#lineStart = end + 1;
    if (line === '' && this.#lines.length === 0) return line;
    checkLine(line, this.#lines.length);
    const lineEnd = isCrLf ? 'CRLF' : 'LF';
    this.#lineEnd ??= lineEnd;
    if (lineEnd !== this.#lineEnd) throw new MessageError('malformed', 'some lines end in CRLF, others in LF alone');
    return line;
  }

  /** What has come of a line, be it only of its end. */
  #checkBegun(head: Buffer): void {
    const index = this.#lines.length;
    checkLine(withoutEnd(head.toString('latin1', this.#lineStart, this.#lineStart + 2)), index);
    checkLine(withoutEnd(head.toString('latin1', Math.max(this.#seen - 1, this.#lineStart))), index, false);
  }

  #add(line: string): void {
    if (this.#lines.length === 0) parseRequestLine(line);
    this.#lines.push(line);
    if (this.#lines.length > 1 + MAX_FIELDS) {
      throw new MessageError('too large', `the request has more than ${MAX_FIELDS} fields`);
    }
  }
}

/** What stands before the content of a request. */
export interface RequestHead {
  readonly method: string;
  /** Neither space nor control character is in it; a byte beyond ASCII is one character. */
  readonly requestTarget: string;
  /** Of HTTP/1.x. */
  readonly minor: 0 | 1;
  readonly fields: readonly Field[];
  /** Never until the connection closes. */
  readonly framing: Framing;
}

const MAX_HEAD: number = 64 * 1024;
const MAX_FIELDS = 500;

type LineEnd = 'CRLF' | 'LF';

function parseHead([requestLine = '', ...lines]: readonly string[]): RequestHead {
  const start = parseRequestLine(requestLine);
  const fields = lines.map(parseField);
  return { ...start, fields, framing: frameRequest(fields, start.minor) };
}

function parseRequestLine(line: string): Pick<RequestHead, 'method' | 'requestTarget' | 'minor'> {
  const [method = '', requestTarget = '', version = '', ...more] = line.split(' ');
  if (!TOKEN.test(method)) throw badMethod();
  if (requestTarget === '') throw new MessageError('malformed', 'the request line has no URI');
  if (more.length > 0) throw new MessageError('malformed', 'the URI has a space, or the request line one too many');
  if (line.includes('\t')) throw new MessageError('malformed', 'the request line has a tab');
  if (!version.startsWith('HTTP/')) throw new MessageError('malformed', 'the request line has no HTTP version');
  const [, minor] = /^HTTP\/1\.([01])$/.exec(version) ?? [];
  if (minor === undefined) throw new MessageError('malformed', 'the HTTP version must be 1.0 or 1.1');
  return { method, requestTarget, minor: minor === '0' ? 0 : 1 };
}

function parseField(line: string): Field {
  // RFC 9112 section 5.2: a reader that does not know it sees a field of its own.
  if (/^[ \t]/.test(line)) throw new MessageError('malformed', 'a field is folded over several lines');
  const colon = line.indexOf(':');
  if (colon === -1) throw new MessageError('malformed', 'a field has no colon');
  const name = line.slice(0, colon);
  if (name === '') throw new MessageError('malformed', 'a field has no name');
  // RFC 9112 section 5.1: the oldest way to smuggle a request.
  if (/[ \t]$/.test(name)) throw new MessageError('malformed', 'a field has a space before its colon');
  if (!TOKEN.test(name)) {
    throw new MessageError('malformed', 'the name of a field has a space or a character that is not allowed');
  }
  return { name, value: trimSpace(line.slice(colon + 1)) };
}

/** RFC 9112 section 6.3. */
function frameRequest(fields: readonly Field[], minor: 0 | 1): Framing {
  const codings = valuesOf(fields, 'transfer-encoding');
  const lengths = valuesOf(fields, 'content-length').flatMap((value) => value.split(',').map((one) => one.trim()));
  if (codings.length > 0) {
    if (lengths.length > 0) {
      throw new MessageError('malformed', 'the request has both Content-Length and Transfer-Encoding');
    }
    // Section 6.1: anyone who stands between may not have understood it.
    if (minor === 0) throw new MessageError('malformed', 'Transfer-Encoding is not part of HTTP/1.0');
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') {
      throw new MessageError('unsupported', 'Transfer-Encoding is not "chunked"');
    }
    return { kind: 'chunked' };
  }
  const [length, ...others] = lengths;
  if (length === undefined) return { kind: 'none' };
  if (others.some((other) => other !== length)) {
    throw new MessageError('malformed', 'the request has different Content-Lengths');
  }
  if (!/^\d+$/.test(length) || !Number.isSafeInteger(Number(length))) {
    throw new MessageError('malformed', 'the Content-Length is not a number that can be');
  }
  return { kind: 'length', length: Number(length) };
}

/** A carriage return at the end may be half of it. */
function withoutEnd(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}

function badMethod(): MessageError {
  return new MessageError('malformed', 'the method has a character that is not allowed');
}

/** Of the line with this index, `fromStart` or not. A carriage return within counts: some take it for the end of a line. */
function checkLine(line: string, index: number, fromStart = true): void {
  if (index === 0 && fromStart && line !== '' && !BEGIN_OF_METHOD.test(line)) throw badMethod();
  if (!CONTROL.test(line)) return;
  throw new MessageError('malformed', `${index === 0 ? 'the request line' : 'a field'} has a control character`);
}

const EMPTY: Buffer = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;
/** RFC 9110 section 5.6.2. */
const BEGIN_OF_METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;
