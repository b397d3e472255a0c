import { createHash } from 'node:crypto';
import { Duplex } from 'node:stream';
import { SUBPROTOCOL } from 'wsproxy-engine';
import { formatHead } from '../../http-message/fields.js';

/**
 * A stream of HTTP/2 on which a WebSocket is open, for a library that knows HTTP/1.1 alone: to its request for an upgrade it gets the
 * answer that RFC 6455 section 4.2.2 wants. What it writes afterwards goes out by the stream; what comes by that it gets by `push`.
 */
export class UpgradedStream extends Duplex {
  readonly #stream: Duplex;
  /** What has come of the request; undefined once it was answered. */
  #request: string | undefined = '';

  constructor(stream: Duplex) {
    super();
    this.#stream = stream;
    stream.once('close', () => this.destroy());
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#request === undefined) {
      this.#stream.write(chunk, done);
      return;
    }
    this.#request += chunk.toString('latin1');
    if (this.#request.endsWith(HEAD_END)) this.#answer(this.#request);
    done();
  }

  override _final(done: () => void): void {
    this.#stream.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream.destroy();
    done(error);
  }

  #answer(request: string): void {
    this.#request = undefined;
    const key = /^sec-websocket-key: *(.*)\r$/im.exec(request)?.[1] ?? '';
    const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
    this.push(
      formatHead('HTTP/1.1 101 Switching Protocols', [
        { name: 'Connection', value: 'Upgrade' },
        { name: 'Upgrade', value: 'websocket' },
        { name: 'Sec-WebSocket-Accept', value: accept },
        { name: 'Sec-WebSocket-Protocol', value: SUBPROTOCOL },
      ]),
    );
  }
}

const HEAD_END = '\r\n\r\n';
/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
