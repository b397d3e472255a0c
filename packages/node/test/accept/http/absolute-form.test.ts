import { describe, expect, it } from 'vitest';
import { parseAbsoluteForm, schemeOf } from '../../../src/accept/http/absolute-form.js';

describe('parseAbsoluteForm', () => {
  it.each([
    ['http://example.org/', 'example.org', 80, 'example.org', '/'],
    ['http://example.org', 'example.org', 80, 'example.org', '/'],
    ['http://example.org?q', 'example.org', 80, 'example.org', '/?q'],
    ['HTTP://Example.ORG:8080/A/../b?c=http://d:1/', 'example.org', 8080, 'Example.ORG:8080', '/A/../b?c=http://d:1/'],
    ['http://[::1]/x', '::1', 80, '[::1]', '/x'],
    ['http://[2001:db8::1]:81/x', '2001:db8::1', 81, '[2001:db8::1]:81', '/x'],
    ['http://192.0.2.1//x', '192.0.2.1', 80, '192.0.2.1', '//x'],
  ])('reads %s', (uri, host, port, authority, requestTarget) => {
    expect(parseAbsoluteForm('GET', uri)).toEqual({ target: { host, port }, authority, requestTarget });
  });

  it.each([
    'http://',
    'http:///path',
    'http://user@example.org/',
    'http://user:password@example.org/',
    'http://example.org/#fragment',
    'http://example.org:/',
    'http://example.org:0/',
    'http://example.org:65536/',
    'http://example.org:80a/',
    'http://exa mple.org/',
    'http://127.1/',
    'http://::1/',
    'http://[::1/',
    'https://example.org/',
    'ftp://example.org/',
    '/path',
    '*',
    '',
  ])('rejects %s', (uri) => {
    expect(parseAbsoluteForm('GET', uri)).toBeUndefined();
  });

  it('turns OPTIONS of a whole server into the asterisk form', () => {
    expect(parseAbsoluteForm('OPTIONS', 'http://example.org')?.requestTarget).toBe('*');
    expect(parseAbsoluteForm('OPTIONS', 'http://example.org/')?.requestTarget).toBe('/');
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
