import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { checkPrivacy } from '../../src/reach/clear-text.js';
import { parseReach, type ReachOptions } from '../../src/reach/reach.js';

const PROXY = { proxy: 'http://127.0.0.1:3128' };
const judge = (url: string, options: ReachOptions = {}) => parseReach(new URL(url), options, 'command line');

describe('before anything is dialled, the token may go', () => {
  test.each<[string, ReachOptions?]>([
    ['ws://localhost:8080/'],
    ['ws://localhost./'],
    ['ws://127.0.0.1:8080/'],
    ['ws://127.1.2.3/'],
    ['ws://127.1/'],
    ['ws://[::1]:8080/'],
    ['ws://localhost/', { resolve: ['localhost:80:127.0.0.1'] }],
    ['ws://tunnel.example/', { resolve: ['tunnel.example:80:127.0.0.1'] }],
    ['ws://tunnel.example/', { resolve: ['tunnel.example:80:::1'] }],
    // curl's --resolve is for names, too.
    ['ws://127.0.0.1/', { resolve: ['127.0.0.1:80:192.0.2.1'] }],
    ['ws://192.0.2.1/', { insecure: true }],
    ['ws://localhost/', { ...PROXY, insecure: true }],
    ['ws://127.0.0.1/', PROXY],
    ['ws://[::1]/', { proxy: 'socks5://[::1]' }],
    ['wss://tunnel.example/', PROXY],
    ['wss://localhost/', { resolve: ['localhost:443:192.0.2.1'] }],
  ])('to %s with %j', (url, options) => {
    expect(() => judge(url, options)).not.toThrow();
  });
});

describe('it may not go', () => {
  test.each<[string, ReachOptions, RegExp]>([
    ['ws://proxy.example.org/', {}, /^url: ws:.. to proxy.example.org would send the token in clear: .*--insecure/],
    ['ws://192.0.2.1/', {}, /in clear/],
    ['ws://localhost.example.org/', {}, /in clear/],
    ['ws://127.0.0.1.example.org/', {}, /in clear/],
    ['ws://[::ffff:127.0.0.1]/', {}, /in clear/],
    ['ws://0.0.0.0/', {}, /in clear/],
    // Other addresses of 127.0.0.0/8 are often those of tunnels, which lead elsewhere.
    ['ws://127.0.0.1/', { proxy: 'http://127.0.0.2:3128' }, /through a proxy/],
    ['ws://127.0.0.2/', PROXY, /through a proxy/],
    ['ws://127.0.0.1/', { proxy: 'http://localhost:3128' }, /through a proxy/],
    ['ws://localhost/', PROXY, /through a proxy would send the token in clear: .*--proxy none/],
    ['ws://127.0.0.1/', { proxy: () => 'socks5://192.0.2.1' }, /through a proxy/],
    ['ws://[::1]/', { proxy: 'https://proxy.example' }, /through a proxy/],
    ['ws://tunnel.example/', { ...PROXY, resolve: ['tunnel.example:80:127.0.0.1'] }, /through a proxy/],
    ['ws://localhost/', { resolve: ['localhost:80:192.0.2.1'] }, /to localhost, which is 192.0.2.1, would/],
    ['ws://localhost/', { resolve: ['localhost:80:127.0.0.3'] }, /to localhost, which is 127.0.0.3, would/],
    ['ws://localhost./', { resolve: ['localhost:80:192.0.2.1'] }, /192.0.2.1/],
    ['ws://tunnel.example/', { resolve: ['tunnel.example:81:127.0.0.1'] }, /to tunnel.example would/],
    ['ws://192.0.2.1/', { resolve: ['192.0.2.1:80:127.0.0.1'] }, /to 192.0.2.1 would/],
  ])('to %s with %j', (url, options, message) => {
    expect(() => judge(url, options)).toThrow(message);
    expect(() => judge(url, options)).toThrow(TypeError);
  });
});

describe('a connection is private', () => {
  const connected = (remoteAddress: string | undefined) => ({ remoteAddress }) as Socket;
  const isPrivate = (url: string, options: ReachOptions, remoteAddress: string | undefined) =>
    checkPrivacy(new URL(url), judge(url, options), connected(remoteAddress));

  test.each<[string, ReachOptions, string, boolean]>([
    ['wss://localhost/', PROXY, '192.0.2.1', true],
    ['ws://localhost/', {}, '::1', true],
    ['ws://localhost/', { insecure: true }, '127.0.0.1', true],
    ['ws://tunnel.example/', { insecure: true }, '127.0.0.1', true],
    ['ws://tunnel.example/', { insecure: true }, '192.0.2.1', false],
    ['ws://localhost/', { insecure: true }, '192.0.2.1', false],
    ['ws://localhost/', { ...PROXY, insecure: true }, '127.0.0.1', false],
    ['ws://127.0.0.1/', PROXY, '127.0.0.1', false],
  ])('to %s with %j, when it was dialled at %s: %j', (url, options, address, expected) => {
    expect(isPrivate(url, options, address)).toBe(expected);
  });

  test('or nothing is said, when the name leads elsewhere', () => {
    expect(() => isPrivate('ws://localhost/', {}, '192.0.2.1')).toThrow(
      expect.objectContaining({
        permanent: true,
        message: expect.stringContaining('localhost is 192.0.2.1, and ws://'),
      }),
    );
  });

  test('or is gone before anybody could tell', () => {
    expect(() => isPrivate('ws://localhost/', {}, undefined)).toThrow(expect.objectContaining({ permanent: false }));
  });
});
