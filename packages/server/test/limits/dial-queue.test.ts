import { describe, expect, test } from 'vitest';
import { DialQueue } from '../../src/limits/dial-queue.js';

/** Of which two may be dialled at a time. */
function queueOf(...waiting: string[]): DialQueue<string> {
  const queue = new DialQueue<string>(2, 1_000);
  for (const one of waiting) queue.add(one, 0);
  return queue;
}

function takeNext(queue: DialQueue<string>): string | undefined {
  const next = queue.takeNext();
  if (next !== undefined) queue.begin();
  return next;
}

describe('a queue of dials', () => {
  test('gives turns in the order of arrival, as many as may be dialled at a time', () => {
    const queue = queueOf('a', 'b', 'c');
    expect([takeNext(queue), takeNext(queue), takeNext(queue)]).toEqual(['a', 'b', undefined]);
    expect(queue.isFull).toBe(true);
    queue.end();
    expect([queue.isFull, takeNext(queue), queue.length]).toEqual([false, 'c', 0]);
  });

  test('forgets those who leave', () => {
    const queue = queueOf('a', 'b', 'c');
    queue.remove('a');
    queue.remove('never there');
    expect([queue.has('a'), takeNext(queue), takeNext(queue)]).toEqual([false, 'b', 'c']);
  });

  test('hands out those who have waited for too long, and never dials them', () => {
    const queue = queueOf('a');
    queue.add('b', 400);
    expect(queue.lateAt).toBe(1_000);
    expect([queue.takeLate(999), queue.takeLate(1_000), queue.takeLate(1_000)]).toEqual([undefined, 'a', undefined]);
    expect([queue.lateAt, takeNext(queue), queue.lateAt]).toEqual([1_400, 'b', Number.POSITIVE_INFINITY]);
  });
});
