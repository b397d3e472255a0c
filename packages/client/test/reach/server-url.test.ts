import { describe, expect, test } from 'vitest';
import { parseServerUrl, targetOf } from '../../src/reach/server-url.js';

describe('the address of the server', () => {
  test.each([
    'wss://proxy.example.org/tunnel',
    'wss://proxy.example.org:8443/',
    'ws://localhost:8080/',
    'ws://127.0.0.1:8080/',
    'ws://127.1.2.3/',
    'ws://[::1]:8080/',
  ])('may be %s', (url) => {
    expect(parseServerUrl(url).href).toBe(new URL(url).href);
  });

  test.each([
    ['proxy.example.org:8080', /must begin with wss:\/\/ or ws:\/\//],
    ['not a url', /not a URL: "not a url"; expected wss:\/\//],
    ['https://proxy.example.org/', /not https:\/\//],
    ['wss://user:secret@proxy.example.org/', /must not carry a user or password/],
    ['ws+unix:/run/wsproxy.sock', /not ws\+unix:\/\//],
  ])('may not be %s', (url, text) => {
    expect(() => parseServerUrl(url)).toThrow(text);
    expect(() => parseServerUrl(url)).toThrow(TypeError);
  });

  test('is never told with a password in an error', () => {
    expect(() => parseServerUrl('wss://user:secret@proxy.example.org/')).not.toThrow(/secret/);
  });
});

test.each([
  ['wss://Proxy.Example.org./', 'proxy.example.org', 443],
  ['ws://127.1/', '127.0.0.1', 80],
  ['wss://[2001:db8::1]:8443/', '2001:db8::1', 8443],
])('%s is dialled at host and port', (url, host, port) => {
  expect(targetOf(new URL(url))).toEqual({ host, port });
});
