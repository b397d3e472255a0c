import { describe, expect, test } from 'vitest';
import { formatProxy, parseProxyUrl } from '../../../src/dial/upstream/proxy.js';

const credentials = (user: string, password: string) => ({ user: Buffer.from(user), password: Buffer.from(password) });

describe("a proxy's URL", () => {
  test.each([
    ['socks5://proxy.example', { scheme: 'socks5', host: 'proxy.example', port: 1080 }],
    ['socks5h://Proxy.Example:9', { scheme: 'socks5', host: 'proxy.example', port: 9 }],
    ['socks://proxy.example/', { scheme: 'socks5', host: 'proxy.example', port: 1080 }],
    ['socks4://proxy.example', { scheme: 'socks4', host: 'proxy.example', port: 1080 }],
    ['socks4a://u@h', { scheme: 'socks4', host: 'h', port: 1080, credentials: credentials('u', '') }],
    ['http://10.0.0.1', { scheme: 'http', host: '10.0.0.1', port: 80 }],
    ['http://proxy.example:3128/', { scheme: 'http', host: 'proxy.example', port: 3128 }],
    ['https://[::1]', { scheme: 'https', host: '::1', port: 443 }],
    ['proxy.example:3128', { scheme: 'http', host: 'proxy.example', port: 3128 }],
    ['user:pass@proxy:3128', { scheme: 'http', host: 'proxy', port: 3128, credentials: credentials('user', 'pass') }],
    ['socks5://u%40x:p%3A%2F@h', { scheme: 'socks5', host: 'h', port: 1080, credentials: credentials('u@x', 'p:/') }],
    ['http://only-user@h', { scheme: 'http', host: 'h', port: 80, credentials: credentials('only-user', '') }],
    [
      'http://DOMAIN\\user:pass@h:8',
      { scheme: 'http', host: 'h', port: 8, credentials: credentials('DOMAIN\\user', 'pass') },
    ],
    ['http://u%3Ax:p:w@h', { scheme: 'http', host: 'h', port: 80, credentials: credentials('u:x', 'p:w') }],
    ['http://ü%C3%BC:"<;p@h', { scheme: 'http', host: 'h', port: 80, credentials: credentials('üü', '"<;p') }],
    [
      'https://u:p%fF%7f@h',
      {
        scheme: 'https',
        host: 'h',
        port: 443,
        credentials: { user: Buffer.from('u'), password: Buffer.of(0x70, 0xff, 0x7f) },
      },
    ],
    ['socks5://u@h', { scheme: 'socks5', host: 'h', port: 1080, credentials: credentials('u', '') }],
    ['socks5://:p@h', { scheme: 'socks5', host: 'h', port: 1080, credentials: credentials('', 'p') }],
    ['http:/proxy.example:3128', { scheme: 'http', host: 'proxy.example', port: 3128 }],
    ['socks5:///proxy.example', { scheme: 'socks5', host: 'proxy.example', port: 1080 }],
    ['http://proxy.example:', { scheme: 'http', host: 'proxy.example', port: 80 }],
    ['https://proxy.example:/', { scheme: 'https', host: 'proxy.example', port: 443 }],
    ['http://0x7f.1:03128', { scheme: 'http', host: '127.0.0.1', port: 3128 }],
    ['http://b\u00fccher.example:1', { scheme: 'http', host: 'xn--bcher-kva.example', port: 1 }],
  ])('%s is understood', (text, proxy) => {
    expect(parseProxyUrl(text)).toEqual(proxy);
  });

  test.each([
    ['', /expected socks5:/],
    ['ftp://hidden:hidden@proxy', /cannot begin with ftp:/],
    ['http://hidden:hid/den@proxy', /%XX/],
    ['http://hidden:hid#den@proxy', /%XX|host or port/],
    ['http://hidden:hidden@proxy/path', /nothing may follow/],
    ['http://hidden:hidden@proxy?query', /nothing may follow/],
    ['http://hidden:hidden@proxy:99999', /not the URL of a proxy/],
    ['http://hidden:hidden@proxy:0', /host or port/],
    ['http://hidden:hid%zz@proxy', /a % that begins no letter/],
    ['http://hidden:hidden%0d%0aX@proxy', /control character/],
    [`socks5://u:${'hidden'.repeat(50)}@proxy`, /of 255 bytes each/],
    ['socks5://hidden:hid%ffden@proxy', /must be UTF-8/],
    ['http:////hidden:hidden@proxy', /not the URL of a proxy/],
    ['http:hidden', /not the URL of a proxy/],
    ['http://[127.0.0.1]:1', /not the URL of a proxy/],
    ['http://u:hid\nden@proxy', /not the URL of a proxy/],
    [' http://proxy', /not the URL of a proxy/],
    ['socks5://a b', /expected socks5:/],
  ])('%j is refused in one line that gives no secret away', (text, message) => {
    let told = '';
    expect(() => {
      try {
        parseProxyUrl(text);
      } catch (error) {
        told = (error as Error).message;
        throw error;
      }
    }).toThrow(TypeError);
    expect(told).toMatch(message);
    expect(told).not.toMatch(/hid|\n/);
  });

  test('is told without user and password', () => {
    expect(formatProxy(parseProxyUrl('socks5://user:pass@[::1]:9'))).toBe('socks5://[::1]:9');
  });
});
