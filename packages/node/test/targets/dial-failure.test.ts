import { expect, test } from 'vitest';
import { dialFailure } from '../../src/targets/dial-failure.js';

const errno = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

test.each([
  ['ECONNREFUSED', 'CONNECTION_REFUSED'],
  ['ECONNRESET', 'CONNECTION_RESET'],
  ['ENETUNREACH', 'NETWORK_UNREACHABLE'],
  ['EHOSTUNREACH', 'HOST_UNREACHABLE'],
  ['EACCES', 'HOST_UNREACHABLE'],
  ['ETIMEDOUT', 'DIAL_TIMEOUT'],
  ['EMFILE', 'LIMIT_REACHED'],
  ['ENFILE', 'LIMIT_REACHED'],
  ['EADDRNOTAVAIL', 'LIMIT_REACHED'],
  ['EPERM', 'DENIED'],
  ['ENOTFOUND', 'NAME_NOT_FOUND'],
  ['EAI_AGAIN', 'NAME_LOOKUP_FAILED'],
  ['EWHATEVER', 'INTERNAL'],
  ['toString', 'INTERNAL'],
])('I10 calls %s %s', (code, failure) => {
  expect(dialFailure([errno(code)])).toMatchObject({ name: 'TunnelError', code: failure, message: `connect ${code}` });
});

test('calls an error without a code INTERNAL', () => {
  expect(dialFailure([new Error('something')]).code).toBe('INTERNAL');
});

test.each([
  [['ENETUNREACH', 'ECONNREFUSED'], 'CONNECTION_REFUSED'],
  [['ECONNREFUSED', 'ENETUNREACH', 'ETIMEDOUT'], 'CONNECTION_REFUSED'],
  [['ENETUNREACH', 'EHOSTUNREACH'], 'HOST_UNREACHABLE'],
  [['EHOSTUNREACH', 'ETIMEDOUT'], 'DIAL_TIMEOUT'],
  [['ENETUNREACH', 'EMFILE'], 'LIMIT_REACHED'],
  [['EWHATEVER', 'ENETUNREACH'], 'NETWORK_UNREACHABLE'],
])('reports the most informative of %j', (codes, failure) => {
  expect(dialFailure(codes.map(errno)).code).toBe(failure);
});

test('names every attempt in its message', () => {
  expect(dialFailure([errno('ENETUNREACH'), errno('ECONNREFUSED')]).message).toBe(
    'connect ENETUNREACH; connect ECONNREFUSED',
  );
});
