import type { IncomingMessage } from 'node:http';
import { deafReceiver, systemClock, type Transport } from 'wsproxy-engine';
import { holdsSecret } from '../../secrets/holds-secret.js';
import { boundInterim } from '../../sockets/bound-interim.js';
import { type OpenTransport, refusedBy, type WayToServer } from '../open-transport.js';
import { secretsIn } from '../secrets-in.js';
import { ClientHalves } from './client-halves.js';
import type { Lesson, UpMode } from './client-up.js';
import { HttpTransport } from './http-transport.js';
import { MAX_PIECE, newTransportId, TRANSPORT_HEADER } from './part.js';
import { MAX_HEADER_SIZE, Requests } from './requests.js';

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
  /** Of a piece, bytes; default 256 KiB. */
  readonly largestPiece?: number;
}

export interface HttpOpening extends HttpWay {
  /** Something was learnt of the way, for the next time. */
  readonly onLearnt?: (lesson: Lesson) => void;
}

class Opening {
  readonly #way: WayToServer;
  readonly #opening: HttpOpening;
  readonly #outcome: Outcome;
  readonly #requests: Requests;
  readonly #secrets: readonly string[];
  readonly #began = systemClock.now();
  #forgetSignal = (): void => {};
  #isSettled = false;

  constructor(way: WayToServer, opening: HttpOpening, outcome: Outcome) {
    this.#way = way;
    this.#opening = opening;
    this.#outcome = outcome;
    this.#requests = new Requests(way, newTransportId());
    this.#secrets = secretsIn(way.headers);
  }

  begin(signal: AbortSignal): void {
    const abort = (): void => this.#fail(new Error('given up'));
    signal.addEventListener('abort', abort);
    this.#forgetSignal = () => signal.removeEventListener('abort', abort);
    if (signal.aborted) return abort();
    const request = this.#requests.post(this.#opening.down === 'poll' ? 'open-poll' : 'open', 0, 0);
    request.on('error', (error) => this.#fail(error));
    boundInterim(request, MAX_HEADER_SIZE, () => {
      this.#fail(new Error('the answer never comes: nothing but interim responses (1xx)'));
    });
    request.once('response', (response) => this.#onResponse(response));
    request.end();
  }

  #onResponse(response: IncomingMessage): void {
    if (this.#isSettled) return;
    const { statusCode = 0, headers } = response;
    this.#way.onAnswer?.(statusCode, headers);
    if (statusCode !== 200 || headers[TRANSPORT_HEADER] !== this.#requests.id) {
      response.on('error', () => {});
      return this.#fail(refusedBy(statusCode, headers, this.#secrets));
    }
    if (this.#way.headersAfter !== undefined) this.#requests.goOnWith(this.#way.headersAfter(headers));
    const { up, down, largestPiece = MAX_PIECE, onLearnt = () => {} } = this.#opening;
    const roundTrip = systemClock.now() - this.#began;
    const halves = new ClientHalves(response, {
      ...{ requests: this.#requests, memory: this.#way.memory, clock: systemClock },
      ...{ down, largestPiece, onLearnt, onOpen: () => this.#succeed(transport) },
      patience: up === 'pieces' ? 0 : Math.max(PATIENCE, ROUND_TRIPS * roundTrip),
    });
    const transport = new HttpTransport(halves, systemClock, (words) => !holdsSecret(words, this.#secrets));
    transport.receiver = { ...deafReceiver, onClose: (_code, reason) => this.#fail(new Error(reason)) };
  }

  #succeed(transport: HttpTransport): void {
    if (this.#isSettled) return;
    this.#settle();
    transport.receiver = deafReceiver;
    // It is the channels that keep the process alive.
    this.#requests.letSleep();
    this.#outcome.resolve(transport);
  }

  #fail(error: Error): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#requests.destroy();
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
