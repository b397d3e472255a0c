import { describe, expect, test } from 'vitest';
import type { ListenKind } from 'wsproxy-engine';
import { listenPlaceOf } from '../../../src/listeners/rules/listen-place.js';
import { LOOPBACK_RULES, mayListen, parseListenRule, portsToChoose } from '../../../src/listeners/rules/listen-rule.js';

/** Whether the rules let somebody listen who asks for `kind bind port`. */
function judge(rules: readonly string[], asked: string) {
  const [kind = '', bind = '', port = '0'] = asked.split(' ');
  const place = listenPlaceOf(kind as ListenKind, bind, Number(port));
  return place === undefined ? 'no place' : mayListen(rules.map(parseListenRule), place);
}

describe('a rule for listening', () => {
  test.each<[rule: string, asked: string]>([
    ['127.0.0.1:8000-8099', 'tcp 127.0.0.1 8000'],
    ['127.0.0.1:8000-8099', 'udp 127.0.0.1 8099'],
    ['127.0.0.1:8000', 'tcp  8000'],
    ['127.0.0.1:8000', 'tcp localhost 8000'],
    ['127.0.0.1:8000', 'tcp ::ffff:127.0.0.1 8000'],
    ['127.0.0.1:8000', 'tcp ::FFFF:7F00:1 8000'],
    ['127.0.0.1:8000', 'tcp 0:0:0:0:0:ffff:7f00:0001 8000'],
    ['[::ffff:127.0.0.1]:8000', 'tcp 127.0.0.1 8000'],
    ['127.0.0.1:80,443,8000-8010', 'tcp 127.0.0.1 443'],
    ['127.0.0.1:443-443', 'tcp 127.0.0.1 443'],
    ['[::1]:8443', 'tcp 0:0::0:1 8443'],
    ['[2001:DB8::1]:8443', 'tcp 2001:db8:0::1 8443'],
    ['127.0.0.1:53/udp', 'udp 127.0.0.1 53'],
    ['127.0.0.1:8000/tcp', 'tcp 127.0.0.1 8000'],
    ['0.0.0.0:443', 'tcp 0.0.0.0 443'],
    ['0.0.0.0:443', 'tcp 192.0.2.1 443'],
    ['[::]:443', 'tcp :: 443'],
    ['[::]:443', 'tcp 2001:db8::1 443'],
    ['*:8443', 'tcp * 8443'],
    ['*:8443', 'tcp 0.0.0.0 8443'],
    ['*:8443', 'udp ::1 8443'],
    ['unix:/run/wsproxy/*', 'unix /run/wsproxy/app.sock'],
    ['unix:/run/wsproxy/*', 'unix /run/wsproxy/.hidden'],
    ['unix:/run/wsproxy/app-*.sock', 'unix /run/wsproxy/app-1.sock'],
    ['unix:/run/wsproxy/app-*.sock', 'unix /run/wsproxy/app-.sock'],
    ['unix:/run/wsproxy/one', 'unix /run/wsproxy/one'],
    ['http:app.example.org', 'http App.Example.ORG.'],
    ['http:App.Example.org', 'http app.example.org'],
    ['http:*.example.org', 'http app.example.org'],
    ['http:*.example.org', 'http a.b.example.org'],
    ['http:*.example.org', 'http *.example.org'],
    ['http:*.example.org', 'http *.b.example.org'],
    ['http:*', 'http *'],
    ['http:*', 'http localhost'],
    ['tls:db.example.org', 'tls db.example.org'],
    ['  tls:*.Example.org ', 'tls db.example.org'],
  ])('%s lets %j in', (rule, asked) => {
    expect(judge([rule], asked)).toBe(true);
  });

  test.each<[rule: string, asked: string]>([
    ['127.0.0.1:8000-8099', 'tcp 127.0.0.1 7999'],
    ['127.0.0.1:8000-8099', 'tcp 127.0.0.1 8100'],
    ['127.0.0.1:8000-8099', 'tcp 127.0.0.2 8000'],
    ['127.0.0.1:8000-8099', 'tcp ::1 8000'],
    ['127.0.0.1:8000-8099', 'tcp 0.0.0.0 8000'],
    ['127.0.0.1:8000-8099', 'tcp * 8000'],
    ['127.0.0.1:8000-8099', 'tcp :: 8000'],
    ['127.0.0.1:8000', 'tcp ::127.0.0.1 8000'],
    ['127.0.0.1:8000', 'tcp ::ffff:0:127.0.0.1 8000'],
    ['127.0.0.1:8000', 'tcp 127.0.0.1 0'],
    ['127.0.0.1:53/udp', 'tcp 127.0.0.1 53'],
    ['127.0.0.1:53/tcp', 'udp 127.0.0.1 53'],
    ['127.0.0.1:8000', 'unix /127.0.0.1:8000'],
    ['0.0.0.0:443', 'tcp * 443'],
    ['0.0.0.0:443', 'tcp :: 443'],
    ['0.0.0.0:443', 'tcp ::1 443'],
    ['[::]:443', 'tcp * 443'],
    ['[::]:443', 'tcp 0.0.0.0 443'],
    ['[::]:443', 'tcp ::ffff:192.0.2.1 443'],
    ['unix:/run/wsproxy/*', 'unix /run/wsproxy/app/sock'],
    ['unix:/run/wsproxy/*', 'unix /run/wsproxy'],
    ['unix:/run/wsproxy/*', 'unix /run/wsproxyapp'],
    ['unix:/run/wsproxy/*', 'unix /run/other/app'],
    ['unix:/run/wsproxy/one', 'unix /run/wsproxy/one.sock'],
    ['unix:/run/wsproxy/a.b', 'unix /run/wsproxy/aXb'],
    ['unix:/run/wsproxy/a-*', 'unix /run/wsproxy/b-a-1'],
    ['http:app.example.org', 'http www.app.example.org'],
    ['http:app.example.org', 'http *.app.example.org'],
    ['http:app.example.org', 'tls app.example.org'],
    ['http:*.example.org', 'http example.org'],
    ['http:*.example.org', 'http notexample.org'],
    ['http:*.example.org', 'http *'],
    ['http:*.example.org', 'http *.org'],
  ])('%s does not let %j in', (rule, asked) => {
    expect(judge([rule], asked)).toBe(false);
  });

  test.each([
    'tcp 127.1 8000',
    'tcp 0x7f.0.0.1 8000',
    'tcp 127.0.0.01 8000',
    'tcp 2130706433 8000',
    'tcp [::1] 8000',
    'tcp fe80::1%eth0 8000',
    'tcp example.org 8000',
    'tcp LOCALHOST 8000',
    'tcp localhost. 8000',
    'tcp 127.0.0.1\0 8000',
    'tcp ** 8000',
    'tcp * 65536',
    'tcp * -1',
    'tcp * 80.5',
    'unix app.sock',
    'unix /run/wsproxy/',
    'unix /run//app',
    'unix /run/wsproxy/.',
    'unix /run/wsproxy/../app',
    'unix /run/wsproxy/a\0b',
    'unix \0abstract',
    'unix @abstract',
    'unix /',
    `unix /${'x'.repeat(103)}`,
    'unix /run/app 1',
    'unix /run/wsproxy/app.lock',
    'http 192.0.2.1',
    'http [::1]',
    'http ',
    'http *.',
    'http **.example.org',
    'http a.*.org',
    'http app.example.org 80',
    'tls app.example.org:443',
  ])('judges nothing that cannot be listened at: %j', (asked) => {
    expect(judge(['*:1024-65535', 'unix:/run/wsproxy/*', 'http:*', 'tls:*'], asked)).toBe('no place');
  });

  test.each([
    '',
    ' ',
    '*',
    '443',
    ':443',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '127.0.0.1:9000-8000',
    '127.0.0.1:8000,',
    '127.0.0.1:8000/sctp',
    '127.1:8000',
    '10.0.0.0/8:8000',
    'localhost:8000',
    'example.org:8000',
    '::1:8000',
    '[127.0.0.1]:8000',
    '[::1:8000',
    '[fe80::1%eth0]:8000',
    '[*]:8000',
    'unix:',
    'unix:run/app',
    'unix:/run/*/app',
    'unix:/run/../app',
    'unix:/run/wsproxy/',
    'unix:@app',
    'http:',
    'http:192.0.2.1',
    'http:*.',
    'http:a.*.org',
    'http:app.example.org:443',
    'http://app.example.org',
    'https:app.example.org',
    'ftp:app.example.org',
    'tls:app.example.org/udp',
  ])('is refused with a sentence when it is %j', (text) => {
    expect(() => parseListenRule(text)).toThrow(
      /^not a rule for listening: "[^\n]*expected an address and ports[^\n]*$/,
    );
  });

  test.each(['*:1-65535', '127.0.0.1:80-443', '0.0.0.0:443,1023-1024', '[::1]:1-2/udp'])(
    'opens a port of the system by itself alone, not by %s',
    (text) => {
      expect(() => parseListenRule(text)).toThrow(
        /; ports below 1024 are opened one by one, such as :80,443, not as \d+-\d+$/,
      );
    },
  );

  test('keeps its text for messages, in one line', () => {
    expect(parseListenRule(' *:8443 ').text).toBe('*:8443');
    expect(() => parseListenRule(`unix:/run\n${'x'.repeat(1_000)}`)).toThrow(/^.{1,700}$/);
  });
});

describe('several rules', () => {
  test('let in what one of them lets in', () => {
    const rules = ['127.0.0.1:8000-8099', '0.0.0.0:443', 'unix:/run/wsproxy/*', 'http:*.example.org'];
    expect(judge(rules, 'tcp 127.0.0.1 443')).toBe(true);
    expect(judge(rules, 'http app.example.org')).toBe(true);
    expect(judge(rules, 'tcp 0.0.0.0 8000')).toBe(false);
    expect(judge([], 'tcp 127.0.0.1 8000')).toBe(false);
  });

  test('do not add up to a place that none of them holds whole', () => {
    expect(judge(['0.0.0.0:443', '[::]:443'], 'tcp * 443')).toBe(false);
  });

  test('say which ports the server may choose', () => {
    const rules = ['*:9000', '127.0.0.1:8000-8099,8200', '127.0.0.1:53/udp', '[::1]:7000'].map(parseListenRule);
    expect(portsToChoose(rules, { kind: 'tcp', host: '127.0.0.1', port: 0 })).toEqual([
      [9_000, 9_000],
      [8_000, 8_099],
      [8_200, 8_200],
    ]);
    expect(portsToChoose(rules, { kind: 'udp', host: '::1', port: 0 })).toEqual([
      [9_000, 9_000],
      [7_000, 7_000],
    ]);
    expect(portsToChoose(rules, { kind: 'unix', host: '/run/app', port: 0 })).toEqual([]);
  });

  test('open loopback from 1024 on where nothing is said, and nothing else', () => {
    for (const asked of ['tcp  1024', 'tcp 127.0.0.1 65535', 'udp ::1 1024'])
      expect(judge(LOOPBACK_RULES, asked)).toBe(true);
    for (const asked of [
      'tcp  1023',
      'tcp 0.0.0.0 8000',
      'tcp 127.0.0.2 8000',
      'tcp :: 8000',
      'unix /run/app',
      'http a.b',
    ])
      expect(judge(LOOPBACK_RULES, asked)).toBe(false);
  });
});
