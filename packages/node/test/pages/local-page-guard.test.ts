import { describe, expect, test } from 'vitest';
import { refuseLocalPage } from '../../src/pages/local-page-guard.js';

const ARRIVAL = { localAddress: '10.0.0.5', localPort: 9090, listenHost: '0.0.0.0' };
const [OK, FORBIDDEN, MISDIRECTED] = [undefined, 403, 421];

/** How a request with this Host is refused, if it is. */
function byHost(host: string | undefined, arrival: Partial<typeof ARRIVAL> = {}): number | undefined {
  const { listenHost, ...socket } = { ...ARRIVAL, ...arrival };
  return refuseLocalPage({ method: 'GET', headers: { host }, socket }, listenHost);
}

function byHeaders(headers: Record<string, string>, method = 'GET'): number | undefined {
  return refuseLocalPage({ method, headers: { host: 'localhost:9090', ...headers }, socket: ARRIVAL }, '127.0.0.1');
}

describe('a Host header', () => {
  test.each(['localhost:9090', 'LocalHost:9090', '127.0.0.1:9090', '[::1]:9090', '10.0.0.5:9090', '0.0.0.0:9090'])(
    'that says %s names this listener',
    (host) => expect(byHost(host)).toBe(OK),
  );

  test.each([
    ...[undefined, '', 'localhost', 'localhost:9091', 'localhost:', 'evil.example:9090', 'localhost.evil.example:9090'],
    ...['127.0.0.1.evil.example:9090', 'user@localhost:9090', 'localhost:9090:9090', '10.0.0.6:9090', '::1:9090'],
  ])('that says %s does not', (host) => expect(byHost(host)).toBe(MISDIRECTED));

  test('may be the name that was listened on, or an IPv6 address in brackets', () => {
    expect(byHost('Proxy:9090', { listenHost: 'proxy' })).toBe(OK);
    const ipv6 = { localAddress: 'fd00::5', listenHost: '::' };
    expect(['[fd00::5]:9090', 'fd00::5:9090'].map((host) => byHost(host, ipv6))).toEqual([OK, MISDIRECTED]);
    expect(byHost('10.0.0.5:9090', { ...ipv6, localAddress: '::ffff:10.0.0.5' })).toBe(OK);
  });

  test('may be one of the names that it is given, on any port those lead to', () => {
    const ask = (host: string, names: string[]) =>
      refuseLocalPage({ method: 'GET', headers: { host }, socket: ARRIVAL }, '0.0.0.0', names);
    const names = ['wsproxy', 'wsproxy-metrics.default.svc'];
    for (const host of ['wsproxy:9090', 'WSproxy', 'wsproxy:80', 'wsproxy-metrics.default.svc:9090']) {
      expect([host, ask(host, names), ask(host, [])]).toEqual([host, OK, MISDIRECTED]);
    }
    for (const host of ['wsproxy.evil.example:9090', 'evil.example', 'wsproxy:9090:1', '']) {
      expect([host, ask(host, names)]).toEqual([host, MISDIRECTED]);
    }
  });

  test('may leave out the port only where it is the default of http', () => {
    expect(byHost('localhost', { localPort: 80 })).toBe(OK);
    expect(byHost('localhost:80', { localPort: 80 })).toBe(OK);
  });

  test('names nothing where nothing is known of the arrival', () => {
    const socket = { localAddress: undefined, localPort: undefined };
    for (const host of [':9090', '', 'localhost', undefined]) {
      expect(refuseLocalPage({ method: 'GET', headers: { host }, socket }, '')).toBe(MISDIRECTED);
    }
  });

  test('is right no matter what it says on a Unix socket', () => {
    expect(refuseLocalPage({ method: 'GET', headers: { host: 'admin' }, socket: {} }, undefined)).toBe(OK);
  });
});

describe('a request', () => {
  test.each<[string, Record<string, string>]>([
    ['by a person, who typed the address', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    ['of our own page', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }],
    ['by a script of our own page', { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:9090' }],
    ['by a link on another page', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
    ['of a program', {}],
  ])('%s is answered', (_who, headers) => expect(byHeaders(headers)).toBe(OK));

  test.each<[string, Record<string, string>]>([
    ['by an image on another page', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['by a page of another port of this machine', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
    ['by a script of another page', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: 'http://a.b' }],
    ['that says an origin, and no more', { origin: 'http://localhost:9090' }],
    ['of a sandboxed page', { origin: 'null' }],
  ])('%s is not', (_who, headers) => expect(byHeaders(headers)).toBe(FORBIDDEN));

  test.each(['POST', 'HEAD', 'OPTIONS', 'PUT'])('by %s is not', (method) => expect(byHeaders({}, method)).toBe(405));
});
