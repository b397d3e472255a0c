import { deafReceiver, systemClock, type Transport } from 'wsproxy-engine';
import { holdsSecret } from '../../secrets/holds-secret.js';
import { type OpenTransport, refusedBy, type WayToServer } from '../open-transport.js';
import { secretsIn } from '../secrets-in.js';
import { BodySize } from './body-size.js';
import { ClientHalves } from './client-halves.js';
import type { Lesson, UpMode } from './client-up.js';
import { HttpTransport } from './http-transport.js';
import { Http1Requests } from './http1-requests.js';
import { newTransportId, TRANSPORT_HEADER } from './part.js';
import type { Answer, Requests } from './requests.js';

/** Opens a transport over ordinary requests (PROTOCOL.md, "Over HTTP"), as `opening` says. */
export function openHttp(opening: HttpOpening): OpenTransport {
  return (way, signal) =>
    new Promise((resolve, reject) => new Opening(way, opening, { resolve, reject }).begin(signal));
}

/** How HTTP is used to carry a transport. */
export interface HttpWay {
  /** `stream`: by one answer without end; `poll`: by many, each of which is whole. */
  readonly down: 'stream' | 'poll';
  /** `stream`: by one body without end, once that has been seen to pass; `pieces`: by many with an end. */
  readonly up: UpMode;
}

export interface HttpOpening extends HttpWay {
  /** As the pieces before have shown it. Default: nothing is known yet. */
  readonly pieceSize?: BodySize;
  /** Something was learnt of the way, for the next time. */
  readonly onLearnt?: (lesson: Lesson) => void;
}

/** For the pieces that go to one server. */
export function newPieceSize(): BodySize {
  return new BodySize(FIRST_PIECE);
}

class Opening {
  readonly #way: WayToServer;
  readonly #opening: HttpOpening;
  readonly #outcome: Outcome;
  readonly #id = newTransportId();
  #requests: Requests | undefined;
  readonly #secrets: readonly string[];
  readonly #began = systemClock.now();
  #forgetSignal = (): void => {};
  #isSettled = false;

  constructor(way: WayToServer, opening: HttpOpening, outcome: Outcome) {
    this.#way = way;
    this.#opening = opening;
    this.#outcome = outcome;
    this.#secrets = secretsIn(way.headers);
  }

  begin(signal: AbortSignal): void {
    const abort = (): void => this.#fail(new Error('given up'));
    signal.addEventListener('abort', abort);
    this.#forgetSignal = () => signal.removeEventListener('abort', abort);
    if (signal.aborted) return abort();
    const requests = new Http1Requests(this.#way, this.#id);
    this.#requests = requests;
    const what = this.#opening.down === 'poll' ? 'open-poll' : 'open';
    const onFailed = (error: Error): void => this.#fail(error);
    requests.ask(what, 0, { onAnswer: (answer) => this.#onAnswer(answer, requests), onFailed });
  }

  #onAnswer(answer: Answer, requests: Requests): void {
    if (this.#isSettled) return;
    const { status, headers } = answer;
    this.#way.onAnswer?.(status, headers);
    if (status !== 200 || headers[TRANSPORT_HEADER] !== this.#id) {
      return this.#fail(refusedBy(status, headers, this.#secrets, 'HTTP'));
    }
    // What has no end has no length, unless somebody on the way has waited for the end.
    if (this.#opening.down === 'stream' && headers['content-length'] !== undefined) {
      return this.#fail(new Error('the answer came when it was over'));
    }
    const { up, down, pieceSize = newPieceSize(), onLearnt = () => {} } = this.#opening;
    const roundTrip = systemClock.now() - this.#began;
    const halves = new ClientHalves(answer, {
      ...{ requests, memory: this.#way.memory, clock: systemClock },
      ...{ down, pieceSize, onLearnt, onOpen: () => setImmediate(() => this.#succeed(transport)) },
      patience: up === 'pieces' ? 0 : Math.max(PATIENCE, ROUND_TRIPS * roundTrip),
    });
    const transport = new HttpTransport(halves, systemClock, (words) => !holdsSecret(words, this.#secrets));
    transport.receiver = { ...deafReceiver, onClose: (_code, reason) => this.#fail(new Error(reason)) };
  }

  #succeed(transport: HttpTransport): void {
    if (this.#isSettled) return;
    // Held back until the server has ended it, its beginning and its end come at once.
    if (!transport.isOpen) return this.#fail(new Error('the answer came when it was over'));
    this.#settle();
    transport.receiver = deafReceiver;
    // It is the channels that keep the process alive.
    this.#requests?.letSleep();
    this.#outcome.resolve(transport);
  }

  #fail(error: Error): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#requests?.destroy();
    this.#outcome.reject(error);
  }

  #settle(): void {
    this.#isSettled = true;
    this.#forgetSignal();
  }
}

interface Outcome {
  readonly resolve: (transport: Transport) => void;
  readonly reject: (error: Error) => void;
}

/** How long a body without end may need to be heard of, ms, or so many round trips. */
const PATIENCE = 2_000;
const ROUND_TRIPS = 4;
/** Of the first piece, bytes. */
const FIRST_PIECE = 16_384;
