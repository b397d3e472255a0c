import { describe, expect, test } from 'vitest';
import { ProxyError } from 'wsproxy-node/dial';
import {
  describeFailure,
  describeProxyFailure,
  describeStatus,
  describeUnanswered,
} from '../../src/reach/connect-error.js';

const URL_ASKED = new URL('wss://proxy.example.org/tunnel');

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
    [429, false, /not available \(429\): too many/],
    [511, false, /wants a login first/],
    [408, false, /not available \(408\)/],
  ])('%i: trying again is of no use: %s', (status, permanent, text) => {
    const failure = describeStatus(status, {}, URL_ASKED);
    expect(failure.permanent).toBe(permanent);
    expect(failure.message).toMatch(text);
    expect(failure.message).toContain(`(${status})`);
    expect(failure.status).toBe(status);
  });

  test.each([301, 302, 303, 307, 308])('%i is told with where it leads, and not followed', (status) => {
    const failure = describeStatus(status, { location: 'https://login.example.org/"\n' }, URL_ASKED);
    expect([failure.permanent, failure.status]).toEqual([true, status]);
    expect(failure.message).toContain('"https://login.example.org/\\"\\n"');
    expect(describeStatus(status, {}, URL_ASKED).message).toMatch(/^redirected \(3\d\d\)/);
  });
});

describe('a login page', () => {
  test('is suspected where a page answers', () => {
    const failure = describeStatus(200, { 'content-type': 'text/HTML; charset=utf-8' }, URL_ASKED);
    expect([failure.permanent, failure.message]).toEqual([true, expect.stringMatching(/web page.*login page of this/)]);
  });

  test.each([
    ['http://login.example.org/?back=x', true],
    ['//login.example.org/', true],
    ['/other', false],
    ['https://proxy.example.org:444/tunnel/', false],
    ['http://[', false],
  ])('is suspected behind a redirect to another host: %s', (location, isElsewhere) => {
    expect(/login page/.test(describeStatus(302, { location }, URL_ASKED).message)).toBe(isElsewhere);
  });
});

describe('Retry-After', () => {
  test.each([
    ['7', 7_000],
    ['0', 0],
    ['999999', 300_000],
    ['-1', 0],
    ['soon', 0],
    [new Date(0).toUTCString(), 0],
  ])('%s', (text, wait) => {
    expect(describeStatus(429, { 'retry-after': text }, URL_ASKED).retryAfter).toBe(wait);
    expect(describeStatus(503, { 'retry-after': text }, URL_ASKED).retryAfter).toBe(wait);
  });

  test('may be a date', () => {
    const { retryAfter } = describeStatus(
      429,
      { 'retry-after': new Date(Date.now() + 60_000).toUTCString() },
      URL_ASKED,
    );
    expect(retryAfter).toBeGreaterThan(55_000);
    expect(retryAfter).toBeLessThanOrEqual(60_000);
  });
});

describe('an alert of TLS', () => {
  test.each([
    [116, /wants a client certificate: give --cert and --key/],
    [48, /does not know the CA of the client certificate/],
    [45, /client certificate has expired/],
    [112, /--sni/],
    [70, /version of TLS/],
  ])('%i is told in words', (number, text) => {
    const failure = describeFailure(
      errorWith('ERR_SSL_WHATEVER', `80:error:0A:SSL routines:x:SSL alert number ${number}:`),
    );
    expect([failure.permanent, failure.message]).toEqual([true, expect.stringMatching(text)]);
  });
});

describe('a connection that ends before the answer', () => {
  test.each(['socket hang up', 'read ECONNRESET'])('(%s) is worth another try', (text) => {
    const { permanent, message } = describeUnanswered(errorWith('ECONNRESET', text), false);
    expect([permanent, message]).toEqual([false, 'the connection ended before the answer came']);
  });

  test('may be the fault of the client certificate, if one was shown', () => {
    expect(describeUnanswered(errorWith('ECONNRESET', 'socket hang up'), true).cure).toMatch(/--cert/);
  });

  test('by an alert of TLS is what the alert says', () => {
    const alert = errorWith('ERR_SSL_WHATEVER', '80:error:0A:SSL routines:x:SSL alert number 116:');
    expect(describeUnanswered(alert, true).message).toMatch(/wants a client certificate/);
  });
});

describe('a proxy on the way', () => {
  test.each([
    ['CREDENTIALS_WANTED', true, /user:password@/],
    ['CREDENTIALS_REFUSED', true, /^told$/],
    ['SCHEME_UNKNOWN', true, /^told: run a local proxy that can, such as px or cntlm/],
    ['DENIED', true, /^told$/],
    ['PROXY_UNREACHABLE', false, /--proxy none/],
    ['PROXY_TIMEOUT', false, /^told$/],
    ['TARGET_REFUSED', false, /^told$/],
  ] as const)('%s: trying again is of no use: %s', (code, permanent, text) => {
    const failure = describeProxyFailure(new ProxyError(code, 'told'));
    expect([failure.permanent, failure.message]).toEqual([permanent, expect.stringMatching(text)]);
  });
});

describe('a certificate', () => {
  test.each([
    ['CERT_HAS_EXPIRED', /has expired: renew/],
    ['CERT_NOT_YET_VALID', /not valid yet: check the clock/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /self-signed: .*--ca/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /unknown CA: .*--ca/],
    ['UNABLE_TO_GET_ISSUER_CERT', /unknown CA: .*--ca/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /unknown CA: .*--ca/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /whole certificate chain, or .* unknown CA/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /for another name: check the host/],
    ['CERT_REVOKED', /was revoked/],
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
