import { expect, test } from 'vitest';
import { Admission, type CountedSessions } from '../../src/sessions/admission.js';

const alice = { id: 'alice' };
const LIMITS = { sessions: 3, sessionsPerUser: 2 };

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
  expect(judge(2, 2, 2, 2)).toEqual([undefined, 'sessionsPerUser']);
  expect(judge(3, 3, 1, 1)).toEqual([undefined, 'sessions']);
  expect(judge(6, 6, 1, 1)).toEqual(['sessions', 'sessions']);
  expect(judge(6, 0, 1, 0)).toEqual([undefined, 'sessions']);
  expect(judge(4, 4, 4, 4)).toEqual(['sessionsPerUser', 'sessionsPerUser']);
});

test('transports that greet count beside those attached, and closing ones in place of theirs', () => {
  const admission = new Admission(LIMITS, counts(3, 3, 3, 3));
  expect(admission.refusesTransport(alice)).toBeUndefined();
  const greeted = admission.greets(alice);
  expect(admission.refusesTransport(alice)).toBe('sessionsPerUser');
  greeted();
  greeted();
  const closed = Array.from({ length: 3 }, () => admission.opened(alice));
  expect(admission.refusesTransport(alice)).toBeUndefined();
  closed.push(admission.opened(alice));
  expect(admission.refusesTransport(alice)).toBe('sessionsPerUser');
  for (const close of closed) close();
  expect(admission.refusesTransport(alice)).toBeUndefined();
});
