import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OptionError } from 'wsproxy-node/options';
import { proxyFromEnvironment } from '../../src/index.js';

const WSS = 'wss://tunnel.example.org/path';
const WS = 'ws://tunnel.example.org/path';

describe('the proxy of the environment', () => {
  test.each([
    [{}, undefined],
    [{ HTTPS_PROXY: 'http://a:1' }, 'http://a:1'],
    [{ https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:1' }, 'http://a:1'],
    [{ https_proxy: '', HTTPS_PROXY: 'http://b:1' }, 'http://b:1'],
    [{ HTTPS_PROXY: '', ALL_PROXY: 'http://b:1' }, 'http://b:1'],
    [{ HTTP_PROXY: 'http://a:1', http_proxy: 'http://a:1' }, undefined],
    [{ ALL_PROXY: 'socks5://a:1' }, 'socks5://a:1'],
    [{ ALL_PROXY: 'socks5://a:1', all_proxy: 'socks5://b:1' }, 'socks5://b:1'],
    [{ ALL_PROXY: 'socks5://a:1', HTTPS_PROXY: 'http://b:1' }, 'http://b:1'],
    [{ wss_proxy: 'http://a:1', https_proxy: 'http://b:1' }, 'http://a:1'],
    [{ HTTPS_PROXY: 'http://a:1', no_proxy: 'tunnel.example.org' }, undefined],
    [{ HTTPS_PROXY: 'http://a:1', no_proxy: '', NO_PROXY: 'tunnel.example.org' }, undefined],
    [{ HTTPS_PROXY: 'http://a:1', no_proxy: 'other', NO_PROXY: 'tunnel.example.org' }, 'http://a:1'],
    [{ HTTPS_PROXY: '' }, undefined],
  ])('for wss://, of %j', (env, proxy) => {
    expect(proxyFromEnvironment(WSS, env)).toBe(proxy);
  });

  test.each([
    [{ http_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:1' }, 'http://a:1'],
    [{ HTTP_PROXY: 'http://a:1', ALL_PROXY: 'http://b:1' }, 'http://b:1'],
    [{ HTTP_PROXY: 'http://a:1' }, undefined],
    [{ WS_PROXY: 'http://a:1', http_proxy: 'http://b:1' }, 'http://a:1'],
  ])('for ws://, of %j', (env, proxy) => {
    expect(proxyFromEnvironment(WS, env)).toBe(proxy);
  });

  test.each(['wss://localhost/', 'ws://127.0.0.1:8080/', 'ws://[::1]/'])('is not for this machine: %s', (url) => {
    expect(proxyFromEnvironment(url, { ALL_PROXY: 'http://a:1', HTTPS_PROXY: 'nonsense://' })).toBeUndefined();
  });

  test.each([
    ['proxy', 'http://proxy:1080'],
    ['proxy:3128', 'http://proxy:3128'],
    ['u:p@proxy', 'http://u:p@proxy:1080'],
    ['http://proxy:80', 'http://proxy:80'],
    ['http://[::1]', 'http://[::1]:1080'],
    ['http://[::1]:80/', 'http://[::1]:80'],
    ['https://proxy/', 'https://proxy'],
    ['socks://proxy:9/', 'socks://proxy:9'],
    ['socks5h://proxy', 'socks5h://proxy'],
    ['HTTP://proxy:8080/some/path?and=query#more', 'HTTP://proxy:8080'],
    ['http://u:50%off@proxy:1/', 'http://u:50%25off@proxy:1'],
    ['http://u:%40%5a@proxy:1/', 'http://u:%40%5a@proxy:1'],
    ['http:/proxy:3128', 'http://proxy:3128'],
    ['socks5:///proxy', 'socks5://proxy'],
    ['http://proxy:', 'http://proxy:1080'],
    ['http://u:1@proxy:/x', 'http://u:1@proxy:1080'],
    ['https://proxy:', 'https://proxy'],
    ['http://DOMAIN\\u:p@proxy:1', 'http://DOMAIN\\u:p@proxy:1'],
    ['http://u%3Ax:%ff@proxy:1', 'http://u%3Ax:%ff@proxy:1'],
  ])('%j is %s', (value, proxy) => {
    expect(proxyFromEnvironment(WSS, { HTTPS_PROXY: value })).toBe(proxy);
  });

  test.each([
    ['ftp://u:hidden@proxy', /^HTTPS_PROXY: a proxy's URL cannot begin with ftp:/],
    ['http://', /^HTTPS_PROXY: not the URL of a proxy/],
    ['http://u:hid/den@proxy', /^HTTPS_PROXY: (nothing may follow|no such host|not the URL)/],
    ['http://proxy:99999', /^HTTPS_PROXY: not the URL of a proxy/],
    ['http://u:hidden@proxy:1 ', /^HTTPS_PROXY: not the URL of a proxy/],
    ['http://u:1/hid@den', /^HTTPS_PROXY: nothing may follow/],
    ['socks5://u:hid%ff@proxy', /^HTTPS_PROXY: user and password for a SOCKS proxy must be UTF-8/],
  ])('%j is told with the name of its variable', (value, message) => {
    const read = () => proxyFromEnvironment(WSS, { HTTPS_PROXY: value });
    expect(read).toThrow(OptionError);
    expect(read).toThrow(message);
    expect(read).not.toThrow(/hid|den|\n/);
  });

  test('that is not asked for may be anything', () => {
    const env = { HTTPS_PROXY: 'ftp://proxy', no_proxy: 'example.org' };
    expect(proxyFromEnvironment(WSS, env)).toBeUndefined();
    expect(proxyFromEnvironment(WS, env)).toBeUndefined();
  });

  test('is a URL or a mistake that is told, no matter what the variable holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.webAuthority({ withPort: true })), (value) => {
        try {
          proxyFromEnvironment(WSS, { HTTPS_PROXY: value });
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
  });
});
