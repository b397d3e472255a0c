import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, test } from 'vitest';
import { DownPolls } from '../../../src/transports/http/client-down.js';
import type { MessageBody } from '../../../src/transports/http/message-body.js';
import { RecordKind, RecordReader, record } from '../../../src/transports/http/records.js';
import type { Outcome, Requests } from '../../../src/transports/http/requests.js';

/** Polls that the test answers. */
class Asked {
  isOver = false;
  readonly outcomes: Outcome[] = [];

  ask(_what: string, _n: number, outcome: Outcome): void {
    this.outcomes.push(outcome);
  }

  /** The answer to poll `n` begins. */
  answer(n: number, isWhole = true): EventEmitter {
    const body = new EventEmitter();
    const answer = { status: 200, headers: {}, body: body as unknown as MessageBody, isWhole: () => isWhole };
    this.outcomes[n - 1]?.onAnswer(answer);
    return body;
  }
}

function bytes(text: string): Buffer {
  return record(RecordKind.bytes, Buffer.from(text));
}

let requests: Asked;
let read: string;
let lost: string[];

beforeEach(() => {
  requests = new Asked();
  read = '';
  lost = [];
  const reader = new RecordReader({
    onBytes: (some) => {
      read += Buffer.from(some).toString();
    },
    onHeard: () => {},
    onEnd: () => {},
  });
  new DownPolls(requests as unknown as Requests, reader, (reason) => lost.push(reason));
});

describe('the answers to polls', () => {
  test('are read as they come, before they are whole', () => {
    const body = requests.answer(1);
    body.emit('data', bytes('hello').subarray(0, 6));
    expect(read).toBe('he');
    body.emit('data', bytes('hello').subarray(6));
    expect([read, requests.outcomes.length]).toEqual(['hello', 2]);
    body.emit('end');
    expect([lost, requests.outcomes.length]).toEqual([[], 3]);
  });

  test('are read in the order of the polls', () => {
    const second = requests.answer(2);
    second.emit('data', bytes('b'));
    const first = requests.answer(1);
    first.emit('data', bytes('a'));
    expect(read).toBe('a');
    first.emit('end');
    expect(read).toBe('ab');
    second.emit('data', bytes('c'));
    expect(read).toBe('abc');
    second.emit('end');
    expect([lost, requests.outcomes.length]).toEqual([[], 4]);
  });

  test('that are whole before their turn let the next polls go when it comes', () => {
    const second = requests.answer(2);
    second.emit('data', bytes('b'));
    second.emit('end');
    expect(requests.outcomes).toHaveLength(2);
    requests.answer(1).emit('end');
    expect([read, lost, requests.outcomes.length]).toEqual(['b', [], 4]);
  });

  test('that are cut end the transport, and so do records that are', () => {
    requests.answer(1, false).emit('end');
    expect(lost).toEqual(['the answer to a poll was cut']);
    const body = requests.answer(1);
    body.emit('data', bytes('hello').subarray(0, 6));
    body.emit('end');
    expect(lost).toEqual(['the answer to a poll was cut', 'a record was cut']);
  });

  test('that are over bring nothing more', () => {
    const body = requests.answer(1);
    requests.isOver = true;
    body.emit('data', bytes('a'));
    body.emit('end');
    expect([read, requests.outcomes.length]).toEqual(['', 2]);
  });
});
