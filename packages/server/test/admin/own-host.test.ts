import { describe, expect, test } from 'vitest';
import { isOwnHost } from '../../src/admin/own-host.js';

const arrival = { localAddress: '10.0.0.5', localPort: 9090, listenHost: '0.0.0.0' };

describe('a Host header', () => {
  test.each(['localhost:9090', 'LocalHost:9090', '127.0.0.1:9090', '[::1]:9090', '10.0.0.5:9090', '0.0.0.0:9090'])(
    'that says %s names this listener',
    (host) => expect(isOwnHost(host, arrival)).toBe(true),
  );

  test.each([
    ...[undefined, '', 'localhost', 'localhost:9091', 'localhost:', 'evil.example:9090', 'localhost.evil.example:9090'],
    ...['127.0.0.1.evil.example:9090', 'user@localhost:9090', 'localhost:9090:9090', '10.0.0.6:9090', '::1:9090'],
  ])('that says %s does not', (host) => expect(isOwnHost(host, arrival)).toBe(false));

  test('may be the name that was listened on, or an IPv6 address in brackets', () => {
    expect(isOwnHost('Proxy:9090', { ...arrival, listenHost: 'proxy' })).toBe(true);
    const ipv6 = { localAddress: 'fd00::5', localPort: 9090, listenHost: '::' };
    expect(['[fd00::5]:9090', 'fd00::5:9090'].map((host) => isOwnHost(host, ipv6))).toEqual([true, false]);
    expect(isOwnHost('10.0.0.5:9090', { ...ipv6, localAddress: '::ffff:10.0.0.5' })).toBe(true);
  });

  test('may leave out the port only where it is the default of http', () => {
    expect(isOwnHost('localhost', { ...arrival, localPort: 80 })).toBe(true);
    expect(isOwnHost('localhost:80', { ...arrival, localPort: 80 })).toBe(true);
  });

  test('names nothing where nothing is known of the arrival', () => {
    const unknown = { localAddress: undefined, localPort: undefined, listenHost: '' };
    expect([':9090', '', 'localhost', undefined].map((host) => isOwnHost(host, unknown))).toEqual(Array(4).fill(false));
  });
});
