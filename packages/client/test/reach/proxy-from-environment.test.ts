import { describe, expect, test } from 'vitest';
import { proxyFromEnvironment } from '../../src/index.js';

const URL_ASKED = 'wss://tunnel.example.org/path';

describe('the proxy of the environment', () => {
  test.each([
    [{}, undefined],
    [{ HTTPS_PROXY: 'http://a' }, 'http://a'],
    [{ https_proxy: 'http://a', HTTPS_PROXY: 'http://b' }, 'http://a'],
    [{ HTTP_PROXY: 'http://a' }, undefined],
    [{ ALL_PROXY: 'socks5://a' }, 'socks5://a'],
    [{ ALL_PROXY: 'socks5://a', HTTPS_PROXY: 'http://b' }, 'http://b'],
    [{ HTTPS_PROXY: '' }, undefined],
  ])('%j', (env, proxy) => {
    expect(proxyFromEnvironment(URL_ASKED, env)).toBe(proxy);
  });

  test('for ws:// is HTTP_PROXY', () => {
    const env = { http_proxy: 'http://a', HTTPS_PROXY: 'http://b' };
    expect(proxyFromEnvironment('ws://tunnel.example.org/', env)).toBe('http://a');
  });

  test.each(['wss://localhost/', 'ws://127.0.0.1:8080/', 'ws://[::1]/'])('is not for this machine: %s', (url) => {
    expect(proxyFromEnvironment(url, { ALL_PROXY: 'http://a', HTTPS_PROXY: 'http://a' })).toBeUndefined();
  });

  test.each([
    ['*', true],
    ['example.org', true],
    ['.example.org', true],
    ['*.example.org', true],
    ['TUNNEL.example.org', true],
    ['other, tunnel.example.org:443', true],
    ['tunnel.example.org:444', false],
    ['ample.org', false],
    ['example.com example.net', false],
    [',', false],
    ['', false],
  ])('NO_PROXY=%s', (list, isExcepted) => {
    expect(proxyFromEnvironment(URL_ASKED, { HTTPS_PROXY: 'http://a', NO_PROXY: list }) === undefined).toBe(isExcepted);
  });

  test.each(['2001:db8::1', '[2001:db8::1]', '[2001:db8::1]:443'])('NO_PROXY knows addresses: %s', (list) => {
    const env = { HTTPS_PROXY: 'http://a', no_proxy: list };
    expect(proxyFromEnvironment('wss://[2001:db8::1]/', env)).toBeUndefined();
    expect(proxyFromEnvironment('wss://[2001:db8::2]/', env)).toBe('http://a');
  });
});
