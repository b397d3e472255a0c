import { expect, test } from 'vitest';
import { Admission, type CountedSessions } from '../../src/sessions/admission.js';

const alice = { id: 'alice' };
const LIMITS = { sessions: 6, sessionsPerUser: 5 };

/** Anyone who asks for anything but numbers gets an error: no transport may cost more the more sessions there are. */
const counts = (size: number, attached: number, theirs: number, theirAttached: number): CountedSessions => ({
  size,
  attached,
  sizeOf: () => theirs,
  attachedOf: () => theirAttached,
});

test('a transport and a session are judged by four numbers', () => {
  const judge = (...numbers: Parameters<typeof counts>) => {
    const admission = new Admission(LIMITS, counts(...numbers));
    return [admission.refusesTransport(alice), admission.refusesSession(alice)];
  };
  expect(judge(0, 0, 0, 0)).toEqual([undefined, undefined]);
  expect(judge(5, 5, 5, 5)).toEqual([undefined, 'sessionsPerUser']);
  expect(judge(6, 6, 1, 1)).toEqual([undefined, 'sessions']);
  expect(judge(12, 12, 1, 1)).toEqual(['sessions', 'sessions']);
  expect(judge(12, 0, 1, 0)).toEqual([undefined, 'sessions']);
  expect(judge(10, 10, 10, 10)).toEqual(['sessionsPerUser', 'sessionsPerUser']);
});

test('transports that greet count beside those attached, and closing ones in place of theirs', () => {
  const admission = new Admission(LIMITS, counts(9, 9, 9, 9));
  expect(admission.refusesTransport(alice)).toBeUndefined();
  const greeted = admission.greets(alice);
  expect(admission.refusesTransport(alice)).toBe('sessionsPerUser');
  greeted();
  greeted();
  const closed = Array.from({ length: 9 }, () => admission.opened(alice));
  expect(admission.refusesTransport(alice)).toBeUndefined();
  closed.push(admission.opened(alice));
  expect(admission.refusesTransport(alice)).toBe('sessionsPerUser');
  for (const close of closed) close();
  expect(admission.refusesTransport(alice)).toBeUndefined();
});

test('with one session there is room for each way that a client tries beside it', () => {
  const admission = new Admission({ sessions: 1, sessionsPerUser: 1 }, counts(1, 1, 1, 1));
  const ways = Array.from({ length: 4 }, () => {
    expect(admission.refusesTransport(alice)).toBeUndefined();
    return admission.greets(alice);
  });
  expect(admission.refusesTransport(alice)).toBe('sessionsPerUser');
  for (const leave of ways) leave();
  expect(admission.refusesSession(alice)).toBe('sessionsPerUser');
});
