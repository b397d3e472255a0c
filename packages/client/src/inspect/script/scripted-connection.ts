import type { Duplex } from 'node:stream';
import { createBodyReader, isInterim, listOf, ResponseHeadReader, rawOf, valuesOf } from 'wsproxy-node/http-message';
import { ignoreErrors, passLossOn, resetSocket } from 'wsproxy-node/sockets';
import { TIMEOUTS } from '../http/http1-reader.js';
import type { Exchange, Teller } from '../http/tell.js';
import { ByteSource, send } from './byte-source.js';
import type { Change, RequestFacts } from './calls.js';
import { changedRequest, changedResponse, madeResponse, type SentResponse } from './changed-head.js';
import { PassingBody, Severed, sendBody, Unreadable } from './passing-body.js';
import { type RequestHead, type ResponseHead, readRequestHead, readResponseHead } from './read-heads.js';
import type { Script } from './script.js';
import { carryTunnel } from './scripted-tunnel.js';

/**
 * Carries a connection of HTTP/1.x, of which a script sees each request, answer and message. One request at a time: the next one
 * waits until the one before is answered.
 */
export class ScriptedConnection {
  readonly #near: Duplex;
  readonly #far: Duplex;
  readonly #up: ByteSource;
  readonly #down: ByteSource;
  readonly #script: Script;
  readonly #teller: Teller;
  readonly #onUnreadable: (problem: string) => void;
  #exchange: Exchange | undefined;

  /** `near` leads to the application. `onUnreadable` is told why the rest passes without the script. */
  constructor(near: Duplex, far: Duplex, { script, teller, onUnreadable }: ScriptedTask) {
    this.#near = near;
    this.#far = far;
    this.#script = script;
    this.#teller = teller;
    this.#onUnreadable = onUnreadable;
    ignoreErrors(far);
    passLossOn(near, far);
    this.#up = new ByteSource(near);
    this.#down = new ByteSource(far);
  }

  async run(): Promise<void> {
    try {
      while ((await this.#carry()) === 'next');
    } catch (error) {
      const { message } = error as Error;
      this.#exchange?.end(message);
      if (error instanceof Severed) {
        resetSocket(this.#far);
        this.#finish();
      } else if (this.#down.isLost) resetSocket(this.#near);
      else {
        if (error instanceof Unreadable) this.#onUnreadable(message);
        this.#passRest();
      }
    }
  }

  /** One request, with its answer. */
  async #carry(): Promise<Then> {
    await ByteSource.whenEitherReady(this.#up, this.#down);
    // Nothing is asked that is not answered: one that is lost has nothing more to lose.
    if (!this.#up.hasBytes && !this.#down.hasBytes && (this.#up.isLost || this.#down.isLost)) return this.#finish();
    // An application that is done, or a destination that is.
    if (this.#up.isOver || (this.#down.isOver && !this.#up.hasBytes)) return this.#passRest();
    if (!this.#up.hasBytes) {
      // RFC 9110 section 15.5.9: so servers may end a connection that nobody has used for some time.
      const answer = this.#down.peek().toString('latin1');
      if (TIMEOUTS.some((timeout) => answer.startsWith(timeout))) return this.#passRest();
      throw new Unreadable('there is an answer that nobody has asked for');
    }
    const request = await readRequestHead(this.#up);
    const body = new PassingBody(this.#up, createBodyReader(request.framing, false), this.#script.room);
    try {
      return await this.#judge(request, body);
    } finally {
      body.close();
    }
  }

  async #judge(request: RequestHead, body: PassingBody): Promise<Then> {
    const { fields, method, minor } = request;
    const facts = this.#factsOf(request, this.#script.nextId());
    const isExpecting = listOf(fields, 'expect').includes('100-continue');
    let hasContinued = false;
    const askForBody = async (): Promise<void> => {
      if (!isExpecting || hasContinued) return;
      hasContinued = true;
      await send(this.#near, CONTINUE);
    };
    const verdict = await this.#script.onRequest(facts, body, askForBody);
    if (verdict?.kind === 'abort') return this.#abort(this.#begin(request));
    if (verdict?.kind === 'answer') {
      // RFC 9110 section 10.1.1: the body may come all the same, or not.
      const isUncertain = isExpecting && !hasContinued;
      const isLast = minor === 0 || listOf(fields, 'connection').includes('close') || isUncertain;
      const exchange = this.#begin(request);
      exchange.onRequestEnd();
      // An application may send all of its body before it reads the answer, or wait for the answer before it ends the body.
      const discarding = isUncertain ? undefined : body.discard();
      discarding?.catch(() => {});
      const then = await this.#sendMade(exchange, madeResponse(verdict, method, isLast), isLast);
      if (then === 'next') await discarding;
      return then;
    }
    if (verdict?.body !== undefined || removes(verdict, 'expect')) await askForBody();
    const sent = changedRequest(request, verdict, { hasContinued, seesMessages: this.#script.seesMessages });
    const exchange = this.#begin({ ...request, ...sent });
    if (verdict !== undefined) exchange.onScripted('request');
    const sendRequest = async (): Promise<void> => {
      await send(this.#far, sent.raw);
      await sendBody(this.#far, body, verdict?.body, (piece) => exchange.onRequestBody(piece));
      exchange.onRequestEnd(rawOf(verdict?.body === undefined ? body.trailers : []));
    };
    const sentFacts = this.#factsOf({ ...request, ...sent }, facts.id);
    // The answer may come before all is sent, and the destination be gone then.
    let isSending = true;
    const sending = sendRequest()
      .catch((error: unknown) => error)
      .finally(() => {
        isSending = false;
      });
    const then = await this.#carryAnswer(exchange, sentFacts);
    if (isSending) await Promise.race([sending, this.#down.whenReady().catch(() => {})]);
    // An application may send no more once it has the end of the answer.
    if (this.#down.isOver) this.#near.end();
    const failure = await sending;
    if (failure !== undefined && then === 'next') {
      // The whole answer has passed, and may be on its way.
      if (this.#down.isLost) return this.#finish();
      throw failure;
    }
    exchange.end((failure as Error | undefined)?.message);
    return then;
  }

  async #carryAnswer(exchange: Exchange, request: RequestFacts): Promise<Then> {
    const reader = new ResponseHeadReader(request.method);
    let head = await readResponseHead(this.#down, reader);
    for (; isInterim(head); head = await readResponseHead(this.#down, reader)) {
      exchange.onInformation(head.status, rawOf(head.fields));
      await send(this.#near, head.raw);
    }
    const isTunnel = head.status === 101 || (request.method === 'CONNECT' && head.status >= 200 && head.status < 300);
    const bodyReader = createBodyReader(isTunnel ? { kind: 'none' } : head.framing, false);
    const body = new PassingBody(this.#down, bodyReader, this.#script.room);
    try {
      return await this.#judgeAnswer(exchange, { request, head, body, isTunnel });
    } finally {
      body.close();
    }
  }

  async #judgeAnswer(exchange: Exchange, { request, head, body, isTunnel }: CameAnswer): Promise<Then> {
    const { status, reason, minor, fields } = head;
    const facts = { status, statusText: reason, headers: rawOf(fields) };
    const verdict = await this.#script.onResponse(request, facts, body);
    if (verdict?.kind === 'abort') return this.#abort(exchange);
    if (verdict?.kind === 'answer') {
      // Of a destination that speaks something else from now on, or has more to say, nothing can follow.
      const isLast = isTunnel || !body.skip();
      if (isLast) resetSocket(this.#far);
      return this.#sendMade(exchange, madeResponse(verdict, request.method, isLast), isLast);
    }
    // What follows shows whether the destination has agreed: a status cannot.
    const change = isTunnel && verdict !== undefined ? { ...verdict, status, body: undefined } : verdict;
    const isLast = change?.body !== undefined && !body.skip();
    if (isLast) resetSocket(this.#far);
    const sent = changedResponse(head, change, { method: request.method, isLast });
    if (change !== undefined) exchange.onScripted('answer');
    this.#tellAnswer(exchange, sent, minor);
    await send(this.#near, sent.raw);
    await sendBody(this.#near, isLast ? undefined : body, sent.body, (piece) => exchange.onResponseBody(piece));
    if (isTunnel) {
      const ends = { near: this.#near, far: this.#far, up: this.#up, down: this.#down };
      await carryTunnel(ends, { exchange, script: this.#script, request, head });
      return 'over';
    }
    exchange.onResponseEnd(rawOf(sent.body === undefined ? body.trailers : []));
    return isLast ? this.#finish() : 'next';
  }

  /** An answer of the script's own. */
  async #sendMade(exchange: Exchange, made: SentResponse, isLast: boolean): Promise<Then> {
    exchange.onScripted('answer');
    this.#tellAnswer(exchange, made, 1);
    await send(this.#near, Buffer.concat([made.raw, made.body ?? NOTHING]));
    if (made.body !== undefined && made.body.length > 0) exchange.onResponseBody(made.body);
    exchange.onResponseEnd();
    return isLast ? this.#finish() : 'next';
  }

  #tellAnswer(exchange: Exchange, { status, statusText, fields }: SentResponse, minor: 0 | 1): void {
    exchange.onResponse({
      ...{ at: this.#teller.now, status, statusText, headers: rawOf(fields) },
      version: `1.${minor}` as const,
    });
  }

  #begin(request: Pick<RequestHead, 'method' | 'requestTarget' | 'minor' | 'fields'>): Exchange {
    const { method, requestTarget: path, minor, fields } = request;
    const authority = authorityOf(request);
    const version = `1.${minor}` as const;
    this.#exchange = this.#teller.begin({ version, method, path, authority, headers: rawOf(fields) });
    return this.#exchange;
  }

  #factsOf(request: Pick<RequestHead, 'method' | 'requestTarget' | 'fields'>, id: number): RequestFacts {
    const url = this.#teller.urlOf(authorityOf(request), request.requestTarget);
    return { id, method: request.method, url, headers: rawOf(request.fields) };
  }

  #abort(exchange: Exchange): Then {
    exchange.onScripted('answer');
    exchange.end('the script has ended the connection');
    resetSocket(this.#near);
    resetSocket(this.#far);
    return 'over';
  }

  /** Both ends, behind what was sent. What still comes is of no use. */
  #finish(): Then {
    for (const stream of [this.#near, this.#far]) stream.end();
    for (const source of [this.#up, this.#down]) void source.discard();
    return 'over';
  }

  /** The destination. What it has said to its end may still be on its way. */
  #onGone(): void {
    if (this.#far.readableEnded) this.#near.unpipe(this.#far).resume();
    else resetSocket(this.#near);
  }

  /** Without the script. */
  #passRest(): Then {
    this.#up.pipe(this.#far);
    this.#down.pipe(this.#near);
    if (this.#far.destroyed) this.#onGone();
    else this.#far.once('close', () => this.#onGone());
    return 'over';
  }
}

export interface ScriptedTask {
  readonly script: Script;
  readonly teller: Teller;
  readonly onUnreadable: (problem: string) => void;
}

/** What becomes of the connection. */
type Then = 'next' | 'over';

interface CameAnswer {
  readonly request: RequestFacts;
  readonly head: ResponseHead;
  readonly body: PassingBody;
  /** Other bytes than HTTP follow. */
  readonly isTunnel: boolean;
}

function authorityOf({ fields }: Pick<RequestHead, 'fields'>): string | undefined {
  return valuesOf(fields, 'host')[0] || undefined;
}

function removes(change: Change | undefined, lowerCaseName: string): boolean {
  return change?.headers.some(([name, values]) => name === lowerCaseName && values.length === 0) === true;
}

const CONTINUE: Buffer = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const NOTHING: Uint8Array = new Uint8Array();
