import { describe, expect, test } from 'vitest';
import { CookieJar } from '../../src/reach/cookie-jar.js';

const URL_OF = new URL('wss://example.org/a/tunnel');
const NOW = Date.parse('2026-11-27T12:00:00Z');
const HOUR = 3_600_000;

function jarOf(...lines: string[]): CookieJar {
  const jar = new CookieJar();
  jar.take(lines, URL_OF, NOW);
  return jar;
}

describe('a cookie comes back that was set by', () => {
  test.each([
    ['HAProxy, cookie SRV insert', 'SRV=s1; path=/', 'SRV=s1'],
    [
      'HAProxy with dynamic cookies and maxlife',
      'SRV="8f2a|agEBg|agEBg"; path=/; HttpOnly; Secure',
      'SRV="8f2a|agEBg|agEBg"',
    ],
    [
      'nginx, sticky cookie',
      'srv_id=1e5d6fa1b0; expires=Thu, 31-Dec-37 23:55:55 GMT; domain=.example.org; path=/',
      'srv_id=1e5d6fa1b0',
    ],
    ['Caddy, lb_policy cookie', 'lb=6c1f0a; Path=/', 'lb=6c1f0a'],
    ['an ALB of AWS', 'AWSALB=AbC+/d==; Expires=Fri, 04 Dec 2026 12:00:00 GMT; Path=/', 'AWSALB=AbC+/d=='],
    ['Envoy, stateful_session', 'envoy="MTAuMC4wLjE6ODA="; Max-Age=120; Path=/a; HttpOnly', 'envoy="MTAuMC4wLjE6ODA="'],
    ['somebody without a path', 'x = 1 ;HttpOnly', 'x=1'],
    ['somebody with an empty value', 'x=; Path=/', 'x='],
  ])('%s', (_who, line, pair) => {
    expect(jarOf(line).pairs(URL_OF, NOW)).toEqual([pair]);
  });
});

describe('a cookie', () => {
  test('takes the place of the one of its name and path', () => {
    const jar = jarOf('a=1; Path=/', 'b=2', 'a=3; Path=/');
    expect(jar.pairs(URL_OF, NOW)).toEqual(['b=2', 'a=3']);
  });

  test.each([
    ['Max-Age=60', 60_000],
    ['Max-Age=60; Expires=Fri, 27 Nov 2026 14:00:00 GMT', 60_000],
    ['Expires=Fri, 27 Nov 2026 13:00:00 GMT', HOUR],
    ['Expires=Fri, 27-Nov-26 13:00:00 GMT', HOUR],
    ['expires=Fri, 27-Nov-2026 13:00:00 GMT; MAX-AGE=soon', HOUR],
  ])('with %s ends after that time', (attribute, life) => {
    const jar = jarOf(`a=1; ${attribute}`);
    expect(jar.pairs(URL_OF, NOW + life - 1)).toEqual(['a=1']);
    expect(jar.pairs(URL_OF, NOW + life)).toEqual([]);
  });

  test.each(['Max-Age=0', 'Max-Age=-1', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT'])('with %s is deleted', (attribute) => {
    const jar = jarOf('a=1', 'b=2', `a=; ${attribute}`);
    expect(jar.pairs(URL_OF, NOW)).toEqual(['b=2']);
  });

  test.each([
    ['/', true],
    ['/a', true],
    ['/a/', true],
    ['/a/tunnel', true],
    ['/a/tun', false],
    ['/a/tunnel/', false],
    ['/b', false],
  ])('with the path %s goes to /a/tunnel: %s', (path, goes) => {
    expect(jarOf(`a=1; Path=${path}`).pairs(URL_OF, NOW)).toHaveLength(goes ? 1 : 0);
  });

  test('without a path goes where its folder is; one with a longer path comes first', () => {
    const jar = jarOf('folder=1', 'root=2; Path=/', 'odd=3; Path=no');
    expect(jar.pairs(URL_OF, NOW)).toEqual(['folder=1', 'odd=3', 'root=2']);
    expect(jar.pairs(new URL('wss://example.org/tunnel'), NOW)).toEqual(['root=2']);
  });

  test('with Secure does not count where there is no TLS', () => {
    const jar = new CookieJar();
    const url = new URL('ws://example.org/');
    jar.take(['a=1; Secure', 'b=2; secure=', 'c=3; Path=/; SameSite=None'], url, NOW);
    expect(jar.pairs(url, NOW)).toEqual(['c=3']);
  });

  test.each(['', 'a', '=1', ' =1', 'a\u0001=1', 'a=1\u007f', `a=${'x'.repeat(4_095)}`])(
    'is none, or too long: %j',
    (line) => {
      expect(jarOf(line).pairs(URL_OF, NOW)).toEqual([]);
    },
  );
});

describe('a jar is bounded', () => {
  test('to 32 cookies, the newest', () => {
    const jar = jarOf(...Array.from({ length: 100 }, (_, n) => `c${n}=1`));
    expect(jar.pairs(URL_OF, NOW)).toEqual(Array.from({ length: 32 }, (_, n) => `c${n + 68}=1`));
  });

  test('to what fits into the head of a request', () => {
    const jar = jarOf(...Array.from({ length: 10 }, (_, n) => `c${n}=${'x'.repeat(990)}`));
    const names = jar.pairs(URL_OF, NOW).map((pair) => pair.slice(0, 2));
    expect(names).toEqual(['c6', 'c7', 'c8', 'c9']);
  });
});
