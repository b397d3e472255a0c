import { describe, expect, test } from 'vitest';
import { Client, checkUrl } from '../src/client.js';

const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';

describe('the address of the server', () => {
  test.each([
    'wss://proxy.example.org/tunnel',
    'wss://proxy.example.org:8443/',
    'ws://localhost:8080/',
    'ws://127.0.0.1:8080/',
    'ws://127.1.2.3/',
    'ws://[::1]:8080/',
  ])('may be %s', (url) => {
    expect(checkUrl(url, false).href).toBe(new URL(url).href);
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
    expect(() => checkUrl(url, false)).toThrow(text);
    expect(() => checkUrl(url, false)).toThrow(TypeError);
  });

  test('may be ws:// to anywhere when that is asked for', () => {
    expect(checkUrl('ws://proxy.example.org/', true).host).toBe('proxy.example.org');
  });

  test('is never told with a password in an error', () => {
    expect(() => checkUrl('wss://user:secret@proxy.example.org/', false)).not.toThrow(/secret/);
  });
});

describe('the number of connections', () => {
  test.each([1, 16])('may be %d', (connections) => {
    const client = new Client({ url: 'ws://127.0.0.1:1/', token: TOKEN, connections });
    expect(client.state).toBe('idle');
  });

  test.each([0, -1, 17, 1.5, Number.NaN])('may not be %d', (connections) => {
    const options = { url: 'ws://127.0.0.1:1/', token: TOKEN, connections };
    expect(() => new Client(options)).toThrow(/whole number from 1 to 16/);
  });
});

test('a client that was never connected can be closed', async () => {
  const client = new Client({ url: 'ws://127.0.0.1:1/', token: TOKEN });
  await client.close();
  expect([client.state, client.channelCount]).toEqual(['closed', 0]);
});
