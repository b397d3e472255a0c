import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { beginHttp2, followStream, requestHeaders } from '../http2-client.js';
import type { WayToServer } from '../open-transport.js';
import type { PartKind } from './part.js';
import { headersFor, type Outcome, type Post, type Requests } from './requests.js';

/** Makes the requests of one transport as streams of one connection, by HTTP/2. */
export class Http2Requests implements Requests {
  readonly id: string;
  readonly #way: WayToServer;
  readonly #session: ClientHttp2Session;
  #headers: Readonly<Record<string, string>>;
  isOver = false;

  /** `socket`: on which the server has chosen HTTP/2. */
  constructor(way: WayToServer, id: string, socket: Socket) {
    this.id = id;
    this.#way = way;
    this.#headers = way.headers;
    this.#session = beginHttp2(socket, way);
  }

  goOnWith(headers: Readonly<Record<string, string>>): void {
    this.#headers = headers;
  }

  letSleep(): void {
    this.#session.unref();
  }

  ask(what: PartKind, n: number, outcome: Outcome): void {
    this.post(what, n, 0, outcome).body.end();
  }

  post(what: PartKind, n: number, length: number | undefined, outcome: Outcome): Post {
    const headers = headersFor(this.#way, this.#headers, { id: this.id, what, n }, length);
    const session = this.#session;
    if (session.closed || session.destroyed) {
      queueMicrotask(() => outcome.onFailed(new Error('the connection takes no more requests')));
      return { body: new Writable().destroy() };
    }
    const stream = session.request(
      { ...requestHeaders(this.#way, headers), ':method': 'POST' },
      { endStream: length === 0 },
    );
    followStream(
      stream,
      (status, answer) =>
        outcome.onAnswer({
          ...{ status, headers: answer, body: stream },
          isWhole: (received) => {
            const { 'content-length': expected } = answer;
            return (stream.rstCode ?? 0) === 0 && (expected === undefined || Number(expected) === received);
          },
        }),
      (error) => outcome.onFailed(error),
    );
    return { body: stream };
  }

  destroy(): void {
    this.isOver = true;
    this.#session.destroy();
  }
}
