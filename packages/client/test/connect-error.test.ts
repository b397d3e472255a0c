import { describe, expect, test } from 'vitest';
import { describeFailure, describeStatus } from '../src/connect-error.js';

const errorWith = (code: string, message = 'what the system says'): NodeJS.ErrnoException =>
  Object.assign(new Error(message), { code });

describe('a status other than 101', () => {
  test.each([
    [401, true, /refused the token .*WSPROXY_TOKEN or --token-file/],
    [404, true, /nothing there .*--path/],
    [400, true, /version/],
    [403, true, /login page, or a reverse proxy without Upgrade headers/],
    [200, true, /login page/],
    [426, true, /not a WebSocket/],
    [500, false, /not available \(500\)/],
    [502, false, /not available \(502\)/],
    [503, false, /not available \(503\)/],
    [504, false, /not available \(504\)/],
    [429, false, /not available \(429\)/],
    [408, false, /not available \(408\)/],
  ])('%i: trying again is of no use: %s', (status, permanent, text) => {
    const failure = describeStatus(status, undefined);
    expect(failure.permanent).toBe(permanent);
    expect(failure.message).toMatch(text);
    expect(failure.message).toContain(`(${status})`);
  });

  test.each([301, 302, 303, 307, 308])('%i is told with where it leads, and not followed', (status) => {
    const failure = describeStatus(status, 'https://login.example.org/"\n');
    expect(failure.permanent).toBe(true);
    expect(failure.message).toContain('"https://login.example.org/\\"\\n"');
    expect(describeStatus(status, undefined).message).toMatch(/^redirected \(3\d\d\)/);
  });
});

describe('a certificate', () => {
  test.each([
    ['CERT_HAS_EXPIRED', /has expired: renew/],
    ['CERT_NOT_YET_VALID', /not valid yet: check the clock/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /self-signed: .*NODE_EXTRA_CA_CERTS/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /unknown CA: .*NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_GET_ISSUER_CERT', /unknown CA: .*NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /unknown CA: .*NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /whole certificate chain, or .* unknown CA/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /for another name: check the host/],
    ['CERT_REVOKED', /not accepted \(CERT_REVOKED\)/],
    ['CERT_SIGNATURE_FAILURE', /not accepted \(CERT_SIGNATURE_FAILURE\)/],
  ])('that fails with %s is not trusted, and no other try will help', (code, text) => {
    const cause = errorWith(code);
    const failure = describeFailure(cause);
    expect(failure.permanent).toBe(true);
    expect(failure.message).toMatch(/^the server is not trusted: /);
    expect(failure.message).toMatch(text);
    expect(failure.cause).toBe(cause);
  });
});

describe('a port where something else listens', () => {
  test('without TLS is told as that', () => {
    const failure = describeFailure(errorWith('EPROTO', 'wrong version number'));
    expect([failure.permanent, failure.message]).toEqual([true, expect.stringContaining('ws://')]);
  });

  test.each(['HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION', 'HPE_HEADER_OVERFLOW'])(
    'without HTTP is told as that (%s)',
    (code) => {
      const failure = describeFailure(errorWith(code));
      expect([failure.permanent, failure.message]).toEqual([true, expect.stringMatching(/not HTTP.*wss:\/\//)]);
    },
  );

  test.each(['Invalid Sec-WebSocket-Accept header', 'Server sent no subprotocol', 'Invalid Upgrade header'])(
    'with another WebSocket is told as that (%s)',
    (message) => {
      const failure = describeFailure(new Error(message));
      expect([failure.permanent, failure.message]).toEqual([true, `not a wsproxy-server: ${message}`]);
    },
  );
});

describe('a way that may be there again in a moment', () => {
  test.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])(
    '%s may pass',
    (code) => {
      const failure = describeFailure(errorWith(code));
      expect([failure.permanent, failure.message]).toEqual([false, 'what the system says']);
    },
  );

  test('is named by its code when there is no message, as with several addresses', () => {
    const several = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    expect(describeFailure(several).message).toBe('ECONNREFUSED');
    expect(describeFailure(new Error('')).message).toBe('connection failed');
  });
});
