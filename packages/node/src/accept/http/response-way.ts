import { createBodyReader } from '../../http-message/body.js';
import type { BodyReader } from '../../http-message/body-reader.js';
import { lastChunk, readAsChunk } from '../../http-message/chunked.js';
import type { RequestHead } from '../../http-message/request-head.js';
import { isInterim, type ResponseHead, ResponseHeadReader } from '../../http-message/response-head.js';
import type { ApplicationSocket } from '../application-socket.js';
import {
  challengesConnection,
  formatInterim,
  formatResponse,
  isKeptByOrigin,
  isPersistent,
} from './forwarded-heads.js';
import { JoinedWrites } from './joined-writes.js';

/**
 * The way of a response: what a destination says is read, mended, and written to the application. A response that was odd,
 * and one with bytes behind it, is the last on its connection: where nothing follows, nothing can be smuggled in.
 */
export class ResponseWay {
  readonly #output: JoinedWrites;
  readonly #request: RequestHead;
  readonly #heads: ResponseHeadReader;
  #body: BodyReader | undefined;
  #isChunked = false;
  readonly #isBound: boolean;
  #isKept: boolean;

  /** @param isBound whether its connection is an authenticated one. */
  constructor(socket: ApplicationSocket, request: RequestHead, isBound: boolean) {
    this.#output = new JoinedWrites(socket);
    this.#request = request;
    this.#isBound = isBound;
    this.#isKept = isPersistent(request);
    this.#heads = new ResponseHeadReader(request.method);
  }

  /** Nothing of a response has come, interim ones aside. */
  get isSilent(): boolean {
    return this.#body === undefined && !this.#heads.hasBegun;
  }

  /** The application has the head of the final response. */
  get hasHead(): boolean {
    return this.#body !== undefined;
  }

  /** It has all of it. */
  get isOver(): boolean {
    return this.#body?.isOver === true;
  }

  /** Another response may follow on the connection. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** None may, though that is not known yet to the application. */
  endBehind(): void {
    this.#isKept = false;
  }

  /**
   * Takes what has come. Returns the head of a response that switches protocols: what comes behind that is no HTTP, and its
   * beginning in `rest`. Throws MessageError.
   */
  take(bytes: Buffer): ResponseHead | undefined {
    try {
      return this.#take(bytes);
    } finally {
      this.#output.flush();
    }
  }

  #take(bytes: Buffer): ResponseHead | undefined {
    if (this.#body !== undefined) return this.#takeContent(this.#body, bytes);
    let head = this.#heads.read(bytes);
    for (; head !== undefined && isInterim(head); head = this.#heads.read()) {
      // RFC 9110 section 15.2: HTTP/1.0 does not know them.
      if (this.#request.minor === 1) this.#output.write(formatInterim(head));
    }
    if (head === undefined || head.status === 101) return head;
    this.#isKept &&= isKeptByOrigin(head) && (this.#isBound || challengesConnection(head));
    this.#isChunked = head.framing.kind === 'chunked' && this.#request.minor === 1;
    this.#body = createBodyReader(head.framing, false);
    this.#output.write(formatResponse(head, this.#request, this.#isKept));
    return this.#takeContent(this.#body, this.#heads.takeRest());
  }

  /** What has come behind the head that `take` returned. */
  takeRest(): Buffer {
    return this.#heads.takeRest();
  }

  /** The destination says no more. True when that completes the response. */
  end(): boolean {
    const { isOver } = this;
    if (this.#body?.end() !== true) return false;
    if (!isOver) this.#endContent(this.#body);
    this.#output.flush();
    return true;
  }

  #takeContent(body: BodyReader, bytes: Buffer): undefined {
    const { isOver } = body;
    const used = this.#readContent(body, bytes);
    if (used < bytes.length || !body.isPlain) this.#isKept = false;
    if (body.isOver && !isOver) this.#endContent(body);
  }

  #readContent(body: BodyReader, bytes: Buffer): number {
    if (!this.#isChunked) return body.read(bytes, (piece) => this.#output.write(piece));
    return readAsChunk(body, bytes, (parts) => {
      for (const part of parts) this.#output.write(part);
    });
  }

  #endContent({ trailers }: BodyReader): void {
    if (this.#isChunked) this.#output.write(Buffer.from(lastChunk(trailers), 'latin1'));
  }
}
