import { GrowingBytes } from '../growing-bytes.js';
import { HpackDecoder, MAX_HEADERS } from './hpack.js';
import { Flag, type FrameHeader, FrameReader, FrameType, hasFlag } from './http2-frames.js';
import type { Direction, Reader } from './reader.js';
import type { Exchange, Teller } from './tell.js';

/** Reads HTTP/2 as it passes (RFC 9113). */
export class Http2Reader implements Reader {
  readonly #teller: Teller;
  readonly #ways: Readonly<Record<Direction, Way>>;
  /** Those that are not over, by their number. */
  readonly #streams = new Map<number, Stream>();
  /** The number of the last request: those of later ones are higher (section 5.1.1). */
  #newest = 0;
  /** What has come of the preface of the application. */
  #preface = '';

  constructor(teller: Teller) {
    this.#teller = teller;
    this.#ways = { up: this.#newWay('up'), down: this.#newWay('down') };
  }

  read(direction: Direction, bytes: Buffer): void {
    const rest = direction === 'up' ? this.#readPreface(bytes) : bytes;
    this.#ways[direction].frames.read(rest);
  }

  end(): void {}

  close(failure?: string): void {
    for (const { exchange, isTunnel } of this.#streams.values()) {
      exchange.end(failure ?? (isTunnel ? undefined : 'the connection has ended before the answer'));
    }
    this.#streams.clear();
  }

  /** Section 3.4. */
  #readPreface(bytes: Buffer): Buffer {
    const missing = PREFACE.length - this.#preface.length;
    if (missing === 0) return bytes;
    this.#preface += bytes.toString('latin1', 0, missing);
    if (!PREFACE.startsWith(this.#preface)) throw new Error('the connection does not begin as HTTP/2 does');
    return bytes.subarray(missing);
  }

  #newWay(direction: Direction): Way {
    const frames = new FrameReader({
      onData: (stream, bytes) => this.#onData(direction, stream, bytes),
      onDataEnd: (stream) => this.#onEnd(direction, stream, []),
      onFrame: (frame, payload) => this.#onFrame(direction, frame, payload),
    });
    return { frames, hpack: new HpackDecoder(), block: undefined };
  }

  #onFrame(direction: Direction, frame: FrameHeader, payload: Buffer): void {
    const way = this.#ways[direction];
    if (frame.type === FrameType.reset) return this.#onReset(frame.stream, payload);
    if (frame.type === FrameType.continuation) {
      if (way.block === undefined) throw new Error('headers go on that have not begun');
    } else way.block = { ...beginBlock(frame, payload), content: new GrowingBytes(MAX_HEADERS), frames: 0 };
    const { block } = way;
    const { content } = block;
    content.push(frame.type === FrameType.continuation ? payload : fragmentOf(frame, payload));
    block.frames += 1;
    // Empty ones cost as well.
    if (!content.isWhole || block.frames > MAX_FRAMES) throw new Error('the headers are larger than 256 KiB');
    if (!hasFlag(frame.flags, Flag.endHeaders)) return;
    way.block = undefined;
    this.#onHeaders(direction, block, way.hpack.decode(content.bytes));
  }

  #onHeaders(direction: Direction, { stream: id, isEnd, isPromise }: Block, headers: readonly string[]): void {
    const stream = this.#streams.get(id);
    if (isPromise) {
      if (stream !== undefined) throw new Error('a request is promised twice');
      this.#begin(id, headers);
      return this.#onEnd('up', id, []);
    }
    if (direction === 'up' && stream === undefined) {
      // Trailers of one that was answered before they came.
      if (id <= this.#newest) return;
      this.#newest = id;
      this.#begin(id, headers);
    } else if (direction === 'down' && stream?.hasResponse === false) this.#respond(stream, headers);
    // Trailers end what they are of.
    else return this.#onEnd(direction, id, headers);
    if (isEnd) this.#onEnd(direction, id, []);
  }

  #begin(id: number, headers: readonly string[]): void {
    const { pseudo, rest } = apart(headers);
    const hostAt = rest.indexOf('host');
    // RFC 8441 section 4: what it asks for is nowhere else.
    const protocol = pseudo.get(':protocol');
    const exchange = this.#teller.begin({
      ...{ version: '2' as const, method: pseudo.get(':method') ?? '' },
      headers: protocol === undefined ? rest : [':protocol', protocol, ...rest],
      // Section 8.3.1: what was HTTP/1.1 before may have that one in place of the other.
      authority: pseudo.get(':authority') ?? (hostAt % 2 === 0 ? rest[hostAt + 1] : undefined),
      path: pseudo.get(':path') ?? '/',
    });
    const isConnect = pseudo.get(':method') === 'CONNECT';
    this.#streams.set(id, { exchange, isConnect, hasResponse: false, isTunnel: false, isUpOver: false });
    if (this.#streams.size > MAX_STREAMS) throw new Error('too many requests wait for an answer');
  }

  #respond(stream: Stream, headers: readonly string[]): void {
    const { pseudo, rest } = apart(headers);
    const status = Number(pseudo.get(':status') ?? 0);
    if (!(status >= 100)) throw new Error('the headers of an answer have no status');
    if (status < 200) return stream.exchange.onInformation(status, rest);
    stream.hasResponse = true;
    stream.exchange.onResponse({ at: this.#teller.now, status, statusText: '', version: '2', headers: rest });
    // RFC 8441: a WebSocket begins so.
    stream.isTunnel = stream.isConnect && status < 300;
  }

  #onData(direction: Direction, id: number, bytes: Buffer): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (stream.isTunnel) stream.exchange.onBytes(direction, bytes);
    else if (direction === 'up') stream.exchange.onRequestBody(bytes);
    else stream.exchange.onResponseBody(bytes);
  }

  #onEnd(direction: Direction, id: number, trailers: readonly string[]): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    const { exchange } = stream;
    if (direction === 'up') {
      if (stream.isUpOver) return;
      exchange.onRequestEnd(trailers);
      stream.isUpOver = true;
      return;
    }
    exchange.onResponseEnd(trailers);
    // Nothing of the answer comes any more, though the request may go on for nobody.
    if (!stream.isUpOver) exchange.end();
    this.#streams.delete(id);
  }

  #onReset(id: number, payload: Buffer): void {
    const stream = this.#streams.get(id);
    const code = payload.length < 4 ? 0 : payload.readUInt32BE(0);
    stream?.exchange.end(
      stream.isTunnel && code === 0 ? undefined : `it was reset (${ERRORS[code] ?? `error ${code}`})`,
    );
    this.#streams.delete(id);
  }
}

/** One direction. */
interface Way {
  readonly frames: FrameReader;
  readonly hpack: HpackDecoder;
  /** Headers that are not complete. */
  block: Block | undefined;
}

interface Block {
  readonly stream: number;
  readonly isEnd: boolean;
  /** They are those of a request that the server answers unasked. */
  readonly isPromise: boolean;
  readonly content: GrowingBytes;
  frames: number;
}

interface Stream {
  readonly exchange: Exchange;
  readonly isConnect: boolean;
  hasResponse: boolean;
  isTunnel: boolean;
  isUpOver: boolean;
}

function beginBlock(
  { type, stream, flags }: FrameHeader,
  payload: Buffer,
): Pick<Block, 'stream' | 'isEnd' | 'isPromise'> {
  if (type !== FrameType.promise) return { stream, isEnd: hasFlag(flags, Flag.endStream), isPromise: false };
  const at = hasFlag(flags, Flag.padded) ? 1 : 0;
  if (payload.length < at + 4) throw new Error('a frame is shorter than it says');
  return { stream: payload.readUInt32BE(at) & 0x7f_ff_ff_ff, isEnd: false, isPromise: true };
}

/** Of a frame that begins headers: without padding, and without what stands before them. */
function fragmentOf({ type, flags }: FrameHeader, payload: Buffer): Buffer {
  const isPadded = hasFlag(flags, Flag.padded);
  const padding = isPadded ? (payload[0] ?? 0) : 0;
  const before = type === FrameType.promise ? 4 : hasFlag(flags, Flag.priority) ? 5 : 0;
  const begin = (isPadded ? 1 : 0) + before;
  if (begin + padding > payload.length) throw new Error('a frame is shorter than it says');
  return payload.subarray(begin, payload.length - padding);
}

/** Section 8.3: what stands for the first line of HTTP/1.1, and the fields. */
function apart(headers: readonly string[]): { pseudo: Map<string, string>; rest: string[] } {
  const pseudo = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2);
    if (name.startsWith(':')) pseudo.set(name, value);
    else rest.push(name, value);
  }
  return { pseudo, rest };
}

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const MAX_STREAMS = 10_000;
/** Of one block of headers. */
const MAX_FRAMES = 1_024;
/** Section 7. */
const ERRORS: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];
