import { Writable } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import type { BodySize } from '../../../src/transports/http/body-size.js';
import { ClientUp } from '../../../src/transports/http/client-up.js';
import type { MessageBody } from '../../../src/transports/http/message-body.js';
import { newPieceSize } from '../../../src/transports/http/open-http.js';
import type { Outcome, Requests } from '../../../src/transports/http/requests.js';

class Sink extends Writable {
  override _write(_chunk: Buffer, _encoding: string, callback: () => void): void {
    callback();
  }
}

/** The requests of one transport, which nobody answers but the test. */
class Asked implements Requests {
  readonly id = 'id';
  readonly isOver = false;
  readonly made: { readonly what: string; readonly outcome: Outcome; readonly body: Writable }[] = [];

  letSleep(): void {}

  ask(): void {}

  post(what: string, n: number, _length: number | undefined, outcome: Outcome) {
    const body = new Sink();
    this.made.push({ what: `${what}=${n}`, outcome, body });
    return { body };
  }

  destroy(): void {
    for (const { body } of this.made) body.destroy();
  }

  answer(status: number): void {
    const listeners: (() => void)[] = [];
    const body = { resume() {}, once: (_: string, onEnd: () => void) => listeners.push(onEnd) };
    const answer = { status, headers: {}, body: body as unknown as MessageBody, isWhole: () => true };
    this.made.at(-1)?.outcome.onAnswer(answer);
    for (const onEnd of listeners) onEnd();
  }
}

let pieceSize: BodySize;
let clock: FakeClock;
let requests: Asked;
let up: ClientUp;
let lost: string[];

function begin(): void {
  pieceSize = newPieceSize();
  clock = new FakeClock();
  requests = new Asked();
  lost = [];
  const onLost = (reason: string): void => void lost.push(reason);
  const events = { onDrain: () => {}, onLost, onLearnt: () => {} };
  up = new ClientUp({ requests, memory: newMemory(), clock, pieceSize, patience: 0, ...events });
}

function send(length: number): void {
  up.send([Buffer.alloc(length)]);
  clock.runDeferred();
}

describe('a piece', () => {
  beforeEach(() => {
    begin();
    for (let passed = 0; passed < 9; passed++) pieceSize.onPassed(pieceSize.bytes, 10);
  });

  test.each([400, 403, 500])('that is refused ends the transport, and the next one carries half (%d)', (status) => {
    const { bytes } = pieceSize;
    send(100_000);
    requests.answer(status);
    expect(lost).toEqual([`a piece was answered with status ${status}`]);
    expect(pieceSize.bytes).toBe(50_000);
    expect(bytes).toBeGreaterThan(100_000);
  });

  test('that is cut does the same', () => {
    send(40_000);
    requests.made.at(-1)?.outcome.onFailed(new Error('socket hang up'));
    expect([lost, pieceSize.bytes]).toEqual([['a piece has failed: socket hang up'], 20_000]);
  });

  test('that has no answer does the same, in a time for its length', () => {
    send(32_000);
    clock.advance(16_900);
    expect(lost).toEqual([]);
    clock.advance(200);
    expect([lost, pieceSize.bytes]).toEqual([['a piece has no answer after 17 s'], 16_000]);
  });

  test('has more time where the one before took long', () => {
    send(10);
    clock.advance(10_000);
    requests.answer(204);
    send(10);
    clock.advance(54_900);
    expect(lost).toEqual([]);
    clock.advance(200);
    expect(lost).toEqual(['a piece has no answer after 55 s']);
  });

  test('of a few bytes that has no answer ends the transport alone', () => {
    const { bytes } = pieceSize;
    send(10);
    clock.advance(15_100);
    expect([lost, pieceSize.bytes]).toEqual([['a piece has no answer after 15 s'], bytes]);
  });

  test('that waits when the session leaves the transport for another one counts as refused', () => {
    send(32_000);
    clock.advance(5_000);
    up.destroy();
    requests.destroy();
    expect([lost, pieceSize.bytes, clock.pending]).toEqual([[], 16_000, 0]);
  });

  test('that was sent a moment before does not', () => {
    const { bytes } = pieceSize;
    send(32_000);
    up.destroy();
    expect(pieceSize.bytes).toBe(bytes);
  });

  test('that comes out of turn for somebody says nothing of its size', () => {
    const { bytes } = pieceSize;
    send(32_000);
    requests.answer(409);
    expect([lost.length, pieceSize.bytes]).toEqual([1, bytes]);
  });

  test('that another server gets names the balancer, when it is the first', () => {
    send(10);
    requests.answer(409);
    expect(lost).toEqual([expect.stringContaining('(409): a balancer must send a session to one server')]);
    begin();
    send(10);
    requests.answer(204);
    send(10);
    requests.answer(409);
    expect(lost).toEqual(['a piece was answered with status 409']);
  });

  test('that is answered leaves no timer behind, and lets the next one go', () => {
    send(10);
    send(20);
    expect(requests.made.map(({ what }) => what)).toEqual(['piece=1']);
    requests.answer(204);
    clock.runDeferred();
    expect(requests.made.map(({ what }) => what)).toEqual(['piece=1', 'piece=2']);
    requests.answer(204);
    expect([lost, clock.pending]).toEqual([[], 0]);
  });
});
