import { describe, expect, test } from 'vitest';
import { parseServerUrl } from '../src/server-url.js';

describe('the address of the server', () => {
  test.each([
    'wss://proxy.example.org/tunnel',
    'wss://proxy.example.org:8443/',
    'ws://localhost:8080/',
    'ws://127.0.0.1:8080/',
    'ws://127.1.2.3/',
    'ws://[::1]:8080/',
  ])('may be %s', (url) => {
    expect(parseServerUrl(url, false).href).toBe(new URL(url).href);
  });

  test.each([
    ['proxy.example.org:8080', /must begin with wss:\/\/ or ws:\/\//],
    ['not a url', /not a URL: "not a url"; expected wss:\/\//],
    ['https://proxy.example.org/', /not https:\/\//],
    ['wss://user:secret@proxy.example.org/', /must not carry a user or password/],
    ['ws://proxy.example.org/', /send the token in clear.*--insecure/],
    ['ws://192.0.2.1/', /in clear/],
    ['ws://localhost.example.org/', /in clear/],
    ['ws://127.0.0.1.example.org/', /in clear/],
    ['ws://[::ffff:127.0.0.1]/', /in clear/],
  ])('may not be %s', (url, text) => {
    expect(() => parseServerUrl(url, false)).toThrow(text);
    expect(() => parseServerUrl(url, false)).toThrow(TypeError);
  });

  test('may be ws:// to anywhere when that is asked for', () => {
    expect(parseServerUrl('ws://proxy.example.org/', true).host).toBe('proxy.example.org');
  });

  test('is never told with a password in an error', () => {
    expect(() => parseServerUrl('wss://user:secret@proxy.example.org/', false)).not.toThrow(/secret/);
  });
});
