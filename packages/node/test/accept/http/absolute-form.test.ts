import { describe, expect, it } from 'vitest';
import { parseAbsoluteForm, schemeOf } from '../../../src/accept/http/absolute-form.js';
import { MessageError } from '../../../src/http-message/message-error.js';

/** The bytes of UTF-8, a character each, as they come off the wire. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe('parseAbsoluteForm', () => {
  it.each([
    ['http://example.org/', 'example.org', 80, 'example.org', '/'],
    ['http://example.org', 'example.org', 80, 'example.org', '/'],
    ['http://example.org?q', 'example.org', 80, 'example.org', '/?q'],
    ['HTTP://Example.ORG:8080/A/../b?c=http://d:1/', 'example.org', 8080, 'Example.ORG:8080', '/A/../b?c=http://d:1/'],
    ['http://[::1]/x', '::1', 80, '[::1]', '/x'],
    ['http://[2001:db8::1]:81/x', '2001:db8::1', 81, '[2001:db8::1]:81', '/x'],
    ['http://192.0.2.1//x', '192.0.2.1', 80, '192.0.2.1', '//x'],
    ['ws://example.org/chat', 'example.org', 80, 'example.org', '/chat'],
    ['http://example.org:/', 'example.org', 80, 'example.org', '/'],
    ['http://example.org/a#part', 'example.org', 80, 'example.org', '/a'],
    ['http://example.org#http://b@c/?d', 'example.org', 80, 'example.org', '/'],
    ['http://example.org/?user@host', 'example.org', 80, 'example.org', '/?user@host'],
    ['http://@example.org/', 'example.org', 80, 'example.org', '/'],
    [latin1('http://example.org/stra\u00dfe?\u20ac'), 'example.org', 80, 'example.org', latin1('/stra\u00dfe?\u20ac')],
    [latin1('http://B\u00fccher.example:81/'), 'xn--bcher-kva.example', 81, 'xn--bcher-kva.example:81', '/'],
  ])('reads %s', (uri, host, port, authority, requestTarget) => {
    expect(parseAbsoluteForm('GET', uri)).toEqual({ target: { host, port }, authority, requestTarget });
  });

  it.each([
    ['user:pw', 'user:pw'],
    ['user', 'user:'],
    ['user:', 'user:'],
    ['a%40b:p%3Aw%', 'a@b:p:w%'],
    [latin1('j\u00fcrgen:\u20ac'), latin1('j\u00fcrgen:\u20ac')],
  ])('makes Authorization of %s', (userInfo, plain) => {
    const { authority, authorization } = parseAbsoluteForm('GET', `http://${userInfo}@example.org:81/`);
    expect([authority, authorization]).toEqual([
      'example.org:81',
      `Basic ${Buffer.from(plain, 'latin1').toString('base64')}`,
    ]);
  });

  const noHost = 'the URI has no valid host';
  const noBackslash = 'the URI has a backslash before its path';
  const noPort = 'the port of the URI is not 1 to 65535';
  it.each([
    ['http://', noHost],
    ['http:///path', noHost],
    ['http://user@/', noHost],
    ['http://exa%6dple.org/', noHost],
    ['http://127.1/', noHost],
    ['http://::1/', noHost],
    ['http://[::1/', noHost],
    ['http://example.org:80a/', noHost],
    ['http://exam\\ple.org/', noBackslash],
    ['http://evil.example\\@127.0.0.1/', noBackslash],
    ['http://127.0.0.1\\@evil.example/', noBackslash],
    // Looked at as a name, it would take a third of a second.
    [latin1(`http://${'\u00e9'.repeat(30_000)}/`), noHost],
    ['http://caf\u00e9.example/', noHost],
    [latin1('http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/'), noHost],
    ['http://example.org:0/', noPort],
    ['http://example.org:65536/', noPort],
    ['http://example.org:080/', noPort],
    ['http://a@b@example.org/', 'the URI has more than one @ before its path'],
  ])('says of %s what it does not like', (uri, reason) => {
    expect(() => parseAbsoluteForm('GET', uri)).toThrow(new MessageError('malformed', reason));
  });

  it('turns OPTIONS of a whole server into the asterisk form', () => {
    expect(parseAbsoluteForm('OPTIONS', 'http://example.org').requestTarget).toBe('*');
    expect(parseAbsoluteForm('OPTIONS', 'http://example.org/').requestTarget).toBe('/');
  });
});

describe('schemeOf', () => {
  it.each([
    ['HTTP://a/', 'http'],
    ['https://a/', 'https'],
    ['/http://a/', undefined],
    ['a:1', undefined],
    ['://a', undefined],
  ])('finds the scheme of %s', (uri, scheme) => {
    expect(schemeOf(uri)).toBe(scheme);
  });
});
