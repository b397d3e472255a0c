import { describe, expect, test } from 'vitest';
import { ProxyError, parseProxyUrl } from 'wsproxy-node/dial/upstream';
import { NoHttp2Error } from 'wsproxy-node/transports';
import {
  describeFailure,
  describeProxyFailure,
  describeStatus,
  describeUnanswered,
} from '../../src/reach/describe-failure.js';
import { namesFor } from '../../src/reach/option-names.js';

const URL_ASKED = new URL('wss://proxy.example.org/tunnel');

const reach = { names: namesFor('command line'), certified: false };
const behindProxy = (url: string) => ({ ...reach, proxy: parseProxyUrl(url) });

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
    const failure = describeStatus({ status: status, headers: {} }, URL_ASKED, reach);
    expect(failure.permanent).toBe(permanent);
    expect(failure.message).toMatch(text);
    expect(failure.message).toContain(`(${status})`);
    expect(failure.status).toBe(status);
  });

  test.each([
    [400, /^the server refused the request \(400\): its version may differ/],
    [401, /refused the token/],
    [403, /^the answer is not a wsproxy-server's \(403\): a proxy that does not pass such requests/],
    [426, /^the server takes WebSockets alone \(426\): .*--no-http-transport; --transport auto finds the way/],
  ] as const)('%i to an ordinary request speaks of no upgrade', (status, text) => {
    const { message } = describeStatus({ status, headers: {}, asked: 'HTTP' }, URL_ASKED, reach);
    expect(message).toMatch(text);
    expect(message).not.toMatch(/upgrade/i);
  });

  test.each([301, 302, 303, 307, 308])('%i is told with where it leads, and not followed', (status) => {
    const failure = describeStatus(
      { status: status, headers: { location: 'https://login.example.org/"\n' } },
      URL_ASKED,
      reach,
    );
    expect([failure.permanent, failure.status]).toEqual([true, status]);
    expect(failure.message).toContain('"https://login.example.org/\\"\\n"');
    expect(describeStatus({ status: status, headers: {} }, URL_ASKED, reach).message).toMatch(/^redirected \(3\d\d\)/);
  });
});

test('where a redirect leads is told in part, if it is long', () => {
  const headers = { location: `http://login.example/${'x'.repeat(9_000)}` };
  expect(describeStatus({ status: 302, headers }, URL_ASKED, reach).message.length).toBeLessThan(500);
});

describe('a login page', () => {
  test('is suspected where a page answers', () => {
    const failure = describeStatus(
      { status: 200, headers: { 'content-type': 'text/HTML; charset=utf-8' } },
      URL_ASKED,
      reach,
    );
    expect([failure.permanent, failure.message]).toEqual([true, expect.stringMatching(/web page.*login page of this/)]);
  });

  test.each([
    ['http://login.example.org/?back=x', true],
    ['//login.example.org/', true],
    ['/other', false],
    ['https://proxy.example.org:444/tunnel/', false],
    ['http://[', false],
  ])('is suspected behind a redirect to another host: %s', (location, isElsewhere) => {
    expect(/login page/.test(describeStatus({ status: 302, headers: { location } }, URL_ASKED, reach).message)).toBe(
      isElsewhere,
    );
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
    expect(describeStatus({ status: 429, headers: { 'retry-after': text } }, URL_ASKED, reach).retryAfter).toBe(wait);
    expect(describeStatus({ status: 503, headers: { 'retry-after': text } }, URL_ASKED, reach).retryAfter).toBe(wait);
  });

  test('may be a date', () => {
    const headers = { 'retry-after': new Date(Date.now() + 60_000).toUTCString() };
    const { retryAfter } = describeStatus({ status: 429, headers }, URL_ASKED, reach);
    expect(retryAfter).toBeGreaterThan(55_000);
    expect(retryAfter).toBeLessThanOrEqual(60_000);
  });
});

const alertOf = (number: number) =>
  errorWith(
    'ERR_SSL_WHATEVER',
    `80:error:0A:SSL routines:ssl3_read_bytes:x:rec_layer_s3.c:1:SSL alert number ${number}:`,
  );
const failureOfTls = (reason: string) =>
  errorWith('ERR_SSL_WHATEVER', `80:error:0A:SSL routines:ssl3_get_record:${reason}:ssl3_record.c:350:`);

describe('an alert of TLS', () => {
  test.each([
    [116, /wants a client certificate: give --cert and --key/],
    [48, /does not know the CA of the client certificate/],
    [45, /client certificate has expired/],
    [112, /--sni/],
    [70, /version of TLS .*: ask who runs the server$/],
    [40, /no way of TLS in common, or it wants a client certificate: give --cert and --key if it does$/],
    [49, /denies this client access: ask who runs the server$/],
    [120, /does not speak HTTP\/1\.1 there: check the port$/],
  ])('%i is told in words, and comes again as long as nothing is changed', (number, text) => {
    const failure = describeFailure(alertOf(number), reach);
    expect([failure.permanent, failure.message]).toEqual([true, expect.stringMatching(text)]);
  });
});

describe('an alert of TLS that may pass', () => {
  test.each([
    [10, 'unexpected message'],
    [20, 'bad record MAC'],
    [47, 'illegal parameter'],
    [50, 'decode error'],
    [51, 'decrypt error'],
    [80, 'internal error, such as no certificate for this name yet'],
    [86, 'inappropriate fallback'],
    [90, 'user canceled'],
    [115, 'unknown PSK identity'],
    [199, 'an alert that is not known here'],
  ])('%i is told by its name', (number, name) => {
    const { permanent, code, message } = describeFailure(alertOf(number), reach);
    const told = `the server ended TLS: ${name} (alert ${number})`;
    expect({ permanent, code, message }).toEqual({ permanent: false, code: 'UNREACHABLE', message: told });
  });

  test('no matter what its number is, it is told as one of TLS, and what does not pass says what to do', () => {
    for (let number = 0; number < 256; number += 1) {
      const { permanent, message, cure } = describeFailure(alertOf(number), reach);
      expect(message).toMatch(/^the server ended TLS: /);
      expect([number, cure !== undefined]).toEqual([number, permanent]);
    }
  });
});

describe('TLS that fails here', () => {
  test.each(['decryption failed or bad record mac', 'unexpected message', 'bad signature'])(
    'by %s may pass',
    (reason) => {
      const { permanent, message } = describeFailure(failureOfTls(reason), reach);
      expect([permanent, message]).toEqual([false, `the server broke TLS: ${reason}`]);
    },
  );

  test.each(['dh key too small', 'ca md too weak', 'unsafe legacy renegotiation disabled'])(
    'by %s does not',
    (reason) => {
      const { permanent, message } = describeFailure(failureOfTls(reason), reach);
      const told = `the server is not trusted: its TLS is not safe enough (${reason}): ask who runs the server`;
      expect([permanent, message]).toEqual([true, told]);
    },
  );

  test.each(['wrong version number', 'unsupported protocol', 'packet length too long'])('by %s is none', (reason) => {
    const { permanent, message } = describeFailure(failureOfTls(reason), reach);
    expect([permanent, message]).toEqual([true, expect.stringMatching(/does not speak TLS there.* begin with ws:/)]);
  });
});

describe('a proxy that is spoken to in TLS', () => {
  const through = behindProxy('https://u:hidden@proxy.example');
  const failureOf = (cause: Error) =>
    describeProxyFailure(new ProxyError('PROXY_UNREACHABLE', 'no connection', { cause }), through);

  test.each([
    [alertOf(80), false, 'ended TLS: internal error, such as no certificate for this name yet (alert 80)'],
    [alertOf(70), true, 'ended TLS: its version of TLS is too old or too new for this program: ask who runs the proxy'],
    [alertOf(116), true, /^ended TLS: it wants a client certificate: wsproxy has none for proxies/],
    [alertOf(112), true, /^ended TLS: it does not know .* check the host in the proxy's URL$/],
    [
      failureOfTls('wrong version number'),
      true,
      /^is not trusted: it does not speak TLS there.* begin with http:\/\/$/,
    ],
    [
      errorWith('DEPTH_ZERO_SELF_SIGNED_CERT'),
      true,
      'is not trusted: its certificate is self-signed: give it with --ca',
    ],
    [errorWith('ERR_TLS_CERT_ALTNAME_INVALID'), true, /another name: check the host in the proxy's URL$/],
    [failureOfTls('unexpected message'), false, 'broke TLS: unexpected message'],
  ])('%s: trying again is of no use: %s', (cause, permanent, told) => {
    const failure = failureOf(cause);
    expect(failure.permanent).toBe(permanent);
    const [, what] = failure.message.split('the proxy https://proxy.example:443 ');
    expect(what).toEqual(typeof told === 'string' ? told : expect.stringMatching(told));
  });

  test('whose own words are of TLS is not taken for TLS that has failed', () => {
    const told = 'cannot reach it (502), and says "SSL alert number 40"';
    const { permanent, message } = describeProxyFailure(new ProxyError('TARGET_UNREACHABLE', told), through);
    expect([permanent, message]).toEqual([false, told]);
  });

  test('that is away is told as before', () => {
    expect(failureOf(errorWith('ECONNREFUSED')).message).toBe('no connection; --proxy none goes without it');
  });
});

describe('what answers in place of the server, behind a proxy,', () => {
  test.each([
    [failureOfTls('wrong version number'), /^what answers does not speak TLS: .* begin with ws:\/\/$/],
    [errorWith('HPE_INVALID_CONSTANT'), /^the answer is not HTTP: .* begin with wss:\/\/$/],
  ])('may be a page of the proxy: %s', (error, text) => {
    const { permanent, message } = describeFailure(error, behindProxy('http://u:hidden@proxy.example:8080'));
    expect([permanent, message]).toEqual([true, expect.stringMatching(text)]);
    expect(message).toMatch(/a page of the proxy http:\/\/proxy\.example:8080 in its place, such as a login/);
    expect(describeFailure(error, behindProxy('socks5://proxy.example')).message).not.toMatch(/page/);
  });
});

describe('a reader', () => {
  test('of a program is told options, and no flags', () => {
    const program = { names: namesFor('program'), certified: true, proxy: parseProxyUrl('http://proxy.example') };
    const failures = [
      ...[400, 401, 404, 426].map((status) => describeStatus({ status, headers: {} }, URL_ASKED, program)),
      ...Array.from({ length: 256 }, (_, number) => describeFailure(alertOf(number), program)),
      describeFailure(errorWith('DEPTH_ZERO_SELF_SIGNED_CERT'), program),
      describeFailure(errorWith('ERR_TLS_CERT_ALTNAME_INVALID'), program),
      describeUnanswered(errorWith('ECONNRESET'), program),
      describeProxyFailure(new ProxyError('PROXY_UNREACHABLE', 'told'), program),
      describeProxyFailure(new ProxyError('SCHEME_UNKNOWN', 'told'), program),
    ];
    // The path is the server's.
    for (const { message } of failures) expect(message).not.toMatch(/--(?!path)|WSPROXY/);
    expect(failures[1]?.cure).toBe('check the option token');
  });
});

describe('a connection that ends before the answer', () => {
  test.each(['socket hang up', 'read ECONNRESET'])('(%s) is worth another try', (text) => {
    const { permanent, message } = describeUnanswered(errorWith('ECONNRESET', text), reach);
    expect([permanent, message]).toEqual([false, 'the connection ended before the answer came']);
  });

  test('may be the fault of the client certificate, if one was shown', () => {
    expect(describeUnanswered(errorWith('ECONNRESET', 'socket hang up'), { ...reach, certified: true }).cure).toMatch(
      /--cert/,
    );
  });

  test('by an alert of TLS is what the alert says', () => {
    const alert = errorWith('ERR_SSL_WHATEVER', '80:error:0A:SSL routines:x:SSL alert number 116:');
    expect(describeUnanswered(alert, reach).message).toMatch(/wants a client certificate/);
  });
});

describe('a proxy on the way', () => {
  test.each([
    ['CREDENTIALS_WANTED', true, /user:password@/],
    ['CREDENTIALS_REFUSED', true, /^told$/],
    ['SCHEME_UNKNOWN', true, /^told: run a local proxy that can, such as px or cntlm/],
    ['DENIED', true, /^told: many proxies allow port 443 alone; if the server is there, ask who runs the proxy$/],
    ['PROXY_UNREACHABLE', false, /--proxy none/],
    ['PROXY_TIMEOUT', false, /^told$/],
    ['TARGET_REFUSED', false, /^told$/],
    ['LOGIN_WANTED', false, /^told: open any page in a browser$/],
  ] as const)('%s: trying again is of no use: %s', (code, permanent, text) => {
    const failure = describeProxyFailure(new ProxyError(code, 'told'), reach);
    expect([failure.permanent, failure.message]).toEqual([permanent, expect.stringMatching(text)]);
  });
});

test('a proxy that says when it wants to be asked again is heard', () => {
  const error = new ProxyError('TARGET_UNREACHABLE', 'told', { retryAfter: '7' });
  expect(describeProxyFailure(error, reach).retryAfter).toBe(7_000);
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
    const failure = describeFailure(cause, reach);
    expect(failure.permanent).toBe(true);
    expect(failure.message).toMatch(/^the server is not trusted: /);
    expect(failure.message).toMatch(text);
    expect(failure.cause).toBe(cause);
  });
});

describe('a port where something else listens', () => {
  test('without TLS is told as that', () => {
    const failure = describeFailure(errorWith('EPROTO', 'wrong version number'), reach);
    expect([failure.permanent, failure.message]).toEqual([true, expect.stringContaining('ws://')]);
  });

  test.each(['HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION', 'HPE_HEADER_OVERFLOW'])(
    'without HTTP is told as that (%s)',
    (code) => {
      const failure = describeFailure(errorWith(code), reach);
      expect([failure.permanent, failure.message]).toEqual([true, expect.stringMatching(/not HTTP.*wss:\/\//)]);
    },
  );

  test.each(['Invalid Sec-WebSocket-Accept header', 'Server sent no subprotocol', 'Invalid Upgrade header'])(
    'with another WebSocket is told as that (%s)',
    (message) => {
      const failure = describeFailure(new Error(message), reach);
      expect([failure.permanent, failure.message]).toEqual([true, `not a wsproxy-server: ${message}`]);
    },
  );
});

describe('a way that may be there again in a moment', () => {
  test.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])(
    '%s may pass',
    (code) => {
      const failure = describeFailure(errorWith(code), reach);
      expect([failure.permanent, failure.message]).toEqual([false, 'what the system says']);
    },
  );

  test('is named by its code when there is no message, as with several addresses', () => {
    const several = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    expect(describeFailure(several, reach).message).toBe('ECONNREFUSED');
    expect(describeFailure(new Error(''), reach).message).toBe('connection failed');
  });
});

test('a server without HTTP/2 is told with what finds another way, and not tried again', () => {
  const failure = describeFailure(new NoHttp2Error('the server does not speak HTTP/2'), reach);
  expect([failure.permanent, failure.message]).toEqual([
    true,
    'the server does not speak HTTP/2: --transport auto finds another way',
  ]);
});
