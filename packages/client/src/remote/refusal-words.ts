import { FAILURES, type FailureCode } from 'wsproxy-engine';

/** Why a server does not listen, and what to do, for people. */
export function reasonOf(code: FailureCode): string {
  return WORDS[code] ?? FAILURES[code].text;
}

const WORDS: Partial<Record<FailureCode, string>> = {
  UNSUPPORTED:
    'the server offers no such listener: its operator can start it with --reverse, or --reverse-http for names',
  DENIED:
    'no rule of the server lets this user listen there: its operator can add one (--allow-listen, or listen of the user), but none for its own ports',
  LIMIT_REACHED: 'this user has as many remote listeners as the server allows (--max-listeners-per-user)',
  ADDRESS_IN_USE:
    'the address is in use at the server: choose another, or port 0 for any free one; a host name belongs to one user',
  TAKEN_OVER: 'another client of this user listens there; this one stands by',
  BAD_TARGET: 'the server cannot listen on such an address: is it one of its own?',
  GOING_AWAY: 'the server is about to stop',
};
