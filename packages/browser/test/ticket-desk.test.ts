import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { settled } from 'wsproxy-test-support/engine/settled';
import { TicketDesk } from '../src/ticket-desk.js';

/** A function that gives tickets when the test says so. */
function newDesk() {
  const clock = new FakeClock();
  const asked: { give(ticket: string): void; refuse(error: unknown): void; signal: AbortSignal }[] = [];
  const desk = new TicketDesk(
    (signal) => new Promise((give, refuse) => void asked.push({ give, refuse, signal })),
    clock,
  );
  return { desk, clock, asked };
}

const never = new AbortController().signal;

describe('a desk of tickets', () => {
  test('asks for one at a time, and gives each to one alone', async () => {
    const { desk, asked } = newDesk();
    const [one, other] = [desk.next(never), desk.next(never)];
    expect(asked.length).toBe(1);
    asked[0]?.give('first');
    expect(await one).toBe('first');
    await settled();
    asked[1]?.give('second');
    expect(await other).toBe('second');
  });

  test('gives the ticket of one who has given up to the next one, unless that is old by then', async () => {
    const { desk, clock, asked } = newDesk();
    for (const [age, expected] of [
      [5_000, 'kept'],
      [5_001, 'new'],
    ] as const) {
      asked.length = 0;
      const attempt = new AbortController();
      const given = desk.next(attempt.signal);
      attempt.abort(new Error('given up'));
      await expect(given).rejects.toThrow('given up');
      asked[0]?.give('kept');
      await settled();
      clock.advance(age);
      const next = desk.next(never);
      asked[1]?.give('new');
      expect(await next).toBe(expected);
    }
  });

  test('asks beside a question that hangs, and gives the answer to that as well', async () => {
    const { desk, clock, asked } = newDesk();
    const hung = desk.next(never);
    clock.advance(1_001);
    const next = desk.next(never);
    asked[1]?.give('new');
    expect(await next).toBe('new');
    asked[0]?.give('late');
    expect(await hung).toBe('late');
  });

  test.each([401, 403])('says for good that the user may not come in after a status of %d', async (status) => {
    const { desk, asked } = newDesk();
    const given = desk.next(never);
    asked[0]?.refuse(Object.assign(new Error('who are you?'), { status }));
    await expect(given).rejects.toMatchObject({
      name: 'ConnectError',
      permanent: true,
      code: 'TOKEN_REFUSED',
      status,
      message: 'there is no ticket: who are you?',
    });
  });

  test('asks again after any other failure', async () => {
    const { desk, asked } = newDesk();
    const failures: [error: unknown, expected: object][] = [
      [new TypeError('Failed to fetch'), { permanent: false, message: 'there is no ticket: Failed to fetch' }],
      [
        { status: 429, retryAfter: 30_000 },
        { permanent: false, retryAfter: 30_000 },
      ],
      [undefined, { permanent: false }],
    ];
    for (const [error, expected] of failures) {
      const given = desk.next(never);
      asked.pop()?.refuse(error);
      await expect(given).rejects.toMatchObject(expected);
    }
    const given = desk.next(never);
    asked.pop()?.give('at-last');
    expect(await given).toBe('at-last');
  });

  test('does not take for a ticket what cannot stand in the list of subprotocols', async () => {
    const { desk, asked } = newDesk();
    for (const wrong of ['', 'two words', 'a,b', undefined]) {
      const given = desk.next(never);
      asked.pop()?.give(wrong as string);
      await expect(given).rejects.toThrow('there is no ticket: `ticket` gives something else');
    }
  });

  test('gives up an answer that has not come within 10 s, and tells so', async () => {
    const { desk, clock, asked } = newDesk();
    const given = desk.next(never);
    clock.advance(9_999);
    expect(asked[0]?.signal.aborted).toBe(false);
    clock.advance(1);
    await expect(given).rejects.toThrow('there is no ticket: no answer within 10 s');
    expect(asked[0]?.signal.aborted).toBe(true);
  });
});
