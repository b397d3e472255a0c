import type { Duplex } from 'node:stream';
import type { Clock, Timer } from 'wsproxy-engine';
import { type ClientHello, ClientHelloReader, HANDSHAKE } from 'wsproxy-node/tls-hello';
import { GrowingBytes } from './growing-bytes.js';
import { PREFACE } from './http/http2-reader.js';

/**
 * Waits until the first bytes tell what an application speaks. Nobody is held up by that: while neither end says anything, there
 * is nothing to pass on. Both streams are left paused, and have all that came.
 */
export function readFirstBytes(near: Duplex, far: Duplex, clock: Clock): Promise<FirstBytes> {
  return new Promise((resolve) => {
    const guess = new Guess();
    const came = new GrowingBytes(Number.POSITIVE_INFINITY);
    let timer: Timer | undefined;
    const settle = (first: FirstBytes): void => {
      timer?.cancel();
      near.off('data', onNear).off('end', onNearEnd).off('close', onClose).pause();
      far.off('data', onFar).off('end', onFarEnd).off('close', onClose).pause();
      resolve(first);
    };
    const giveBack = (first: FirstBytes): void => {
      near.pause().unshift(came.bytes);
      settle(first);
    };
    const onNear = (bytes: Buffer): void => {
      came.push(bytes);
      const first = guess.add(bytes);
      if (first !== undefined) return giveBack(first);
      timer ??= clock.setTimer(() => giveBack(OTHER), PATIENCE);
    };
    const onFar = (bytes: Buffer): void => {
      far.pause().unshift(bytes);
      if (came.count > 0) near.pause().unshift(came.bytes);
      settle(SPEAKS_FIRST);
    };
    const onNearEnd = (): void => {
      // Behind the end nothing can be put back.
      if (came.count > 0) far.write(came.bytes);
      settle(OTHER);
    };
    const onFarEnd = (): void => {
      if (came.count > 0) near.pause().unshift(came.bytes);
      settle(SPEAKS_FIRST);
    };
    const onClose = (): void => settle(OTHER);
    near.on('data', onNear).on('end', onNearEnd).on('close', onClose).resume();
    far.on('data', onFar).on('end', onFarEnd).on('close', onClose).resume();
  });
}

/** What an application speaks, as its first bytes say. */
export type FirstBytes =
  | { readonly kind: 'tls'; readonly hello: ClientHello }
  | { readonly kind: 'http/1.1' | 'h2' }
  | { readonly kind: 'other'; readonly reason: string };

const OTHER: FirstBytes = { kind: 'other', reason: 'it does not speak HTTP' };
const SPEAKS_FIRST: FirstBytes = { kind: 'other', reason: 'the destination speaks first, as HTTP does not' };
/** For the rest of what has begun, ms. */
const PATIENCE = 5_000;

/** Of what has come so far. */
export class Guess {
  readonly #hello = new ClientHelloReader();
  #isTls: boolean | undefined;
  #text = '';

  /** Undefined while more is needed. */
  add(bytes: Buffer): FirstBytes | undefined {
    this.#isTls ??= bytes[0] === HANDSHAKE;
    return this.#isTls ? this.#addHello(bytes) : this.#addText(bytes.toString('latin1'));
  }

  #addHello(bytes: Buffer): FirstBytes | undefined {
    try {
      const hello = this.#hello.read(bytes);
      return hello && { kind: 'tls', hello };
    } catch {
      return OTHER;
    }
  }

  #addText(text: string): FirstBytes | undefined {
    this.#text += text;
    // RFC 9112 section 2.2: empty lines may come first.
    const begin = this.#text.replace(/^[\r\n]+/, '');
    if (PREFACE.startsWith(begin.slice(0, PREFACE.length))) {
      if (begin.length >= PREFACE.length) return H2;
      return this.#text.length > LONGEST_LINE ? OTHER : undefined;
    }
    if (!METHOD.test(begin.slice(0, LONGEST_METHOD + 1))) return OTHER;
    const end = begin.indexOf('\n');
    if (end !== -1) return REQUEST_LINE.test(begin.slice(0, end)) ? HTTP : OTHER;
    return this.#text.length > LONGEST_LINE ? OTHER : undefined;
  }
}

const HTTP: FirstBytes = { kind: 'http/1.1' };
const H2: FirstBytes = { kind: 'h2' };
const LONGEST_METHOD = 32;
const LONGEST_LINE: number = 64 * 1024;
/** As far as it has come. */
const METHOD = /^[A-Z][A-Z0-9_-]{0,31}(?: |$)/;
const REQUEST_LINE = /^[A-Z][A-Z0-9_-]{0,31} \S+ HTTP\/1\.[01]\r?$/;
