import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createClient } from '../../src/client.js';

const DIGEST_OF_NOTHING = createHash('sha256').digest('hex');
const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';

/** What one of the methods of a client says to what it was given. */
async function told(
  method:
    | 'listen'
    | 'forward'
    | 'forwardRemote'
    | 'listenRemote'
    | 'serveControl'
    | 'serveStatus'
    | 'connect'
    | 'close',
  ...given: unknown[]
) {
  const client = createClient({ url: 'ws://127.0.0.1:1/', token: TOKEN });
  try {
    await (client[method] as (...given: unknown[]) => Promise<unknown>)(...given);
    return 'nothing';
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message;
  } finally {
    await client.close();
  }
}

describe('what a method is given that it does not know, or cannot use, is told at once:', () => {
  test.each([
    ['listen', [], 'options: expected an object'],
    ['listen', [{}], 'port: is missing; 0 lets the system choose'],
    ['listen', [{ prot: 1080 }], 'prot: there is no such option; did you mean port?'],
    ['listen', [{ port: '1080' }], 'port: expected a whole number from 0 to 65535, got 1080'],
    ['listen', [{ port: 0, users: { name: 'a' } }], 'users: expected a list of { name, sha256 }'],
    ['listen', [{ port: 0, users: [{ name: 'a', sha256: DIGEST_OF_NOTHING }] }], 'user "a" has an empty password'],
    ['listen', [{ port: 0, user: [] }], 'user: there is no such option; did you mean users?'],
    [
      'forward',
      [{ port: 0, host: '127.0.0.1', traget: 'a:1' }],
      'traget: there is no such option; did you mean target?',
    ],
    ['forwardRemote', [{ target: 'a:1' }], 'port: is missing; 0 lets the server choose'],
    ['forwardRemote', [{ port: 0 }], 'target: is missing'],
    ['forwardRemote', [{ port: 0, proxy: true, target: 'a:1' }], 'target: cannot stand beside proxy'],
    ['forwardRemote', [{ port: 0, proxy: true, proxyProtocol: 'v2' }], 'proxyProtocol: cannot stand beside proxy'],
    ['forwardRemote', [{ port: 0, target: 'a:1', allow: [] }], 'allow: is for proxy alone'],
    ['forwardRemote', [{ port: 0, proxy: true, allow: '10.0.0.1' }], 'allow: expected a list of rules'],
    [
      'forwardRemote',
      [{ port: 0, proxy: true, allow: ['10.0.0.1', '0.0.0.0'] }],
      'allow: 0.0.0.0 is unspecified: nothing of it is ever a destination',
    ],
    ['listenRemote', [{}], 'port: is missing; 0 lets the server choose'],
    ['listenRemote', [{ port: 0, path: '/a' }], 'path: cannot stand beside port'],
    ['listenRemote', [{ port: 0, target: 'a:1' }], 'target: there is no such option'],
    ['listenRemote', [{ port: 0, allowHalfOpen: 1 }], 'allowHalfOpen: expected true or false'],
    ['forwardRemote', [{ port: 0, path: '/a', target: 'a:1' }], 'path: cannot stand beside port'],
    ['forwardRemote', [{ path: '/a', name: 'a.example', target: 'a:1' }], 'name: cannot stand beside path'],
    ['forwardRemote', [{ path: '/a', target: 'a:1/udp' }], 'target: datagrams come to a port of the server alone'],
    ['forwardRemote', [{ port: 1, target: 'a:1/udp', proxyProtocol: 'v2' }], 'proxyProtocol: is not for datagrams'],
    ['forwardRemote', [{ port: 1, target: 'a:1', proxyProtocol: 'v1' }], 'proxyProtocol: expected v2'],
    [
      'forwardRemote',
      [{ port: 1, target: 'unix:a' }],
      'target: not a destination: "unix:a"; expected host:port, IPv6 in brackets, host:port/udp or unix:/path',
    ],
    [
      'forwardRemote',
      [{ port: 1, host: 'a.example', target: 'a:1' }],
      'host: expected an IP address, localhost, or * for every address',
    ],
    ['forwardRemote', [{ name: '192.0.2.1', target: 'a:1' }], 'name: expected a host name, or *. and one'],
    ['forwardRemote', [{ port: 1, label: '', target: 'a:1' }], 'label: expected a text of 255 bytes at most'],
    [
      'forwardRemote',
      [{ port: 1, label: 'é'.repeat(128), target: 'a:1' }],
      'label: expected a text of 255 bytes at most',
    ],
    ['forwardRemote', [{ port: 1, targt: 'a:1' }], 'targt: there is no such option; did you mean target?'],
    ['serveStatus', [{ port: 0, path: 7 }], 'path: expected a string'],
    ['listen', [{ path: '' }], 'path: expected the path of a socket, in at most 103 bytes'],
    ['serveControl', [{ path: `/${'x'.repeat(103)}` }], 'path: expected the path of a socket, in at most 103 bytes'],
    ['serveControl', [{ path: '\0name' }], 'path: expected the path of a socket, in at most 103 bytes'],
    ['connect', ['a:1', { timout: 1 }], 'timout: there is no such option; did you mean timeout?'],
    ['connect', ['a:1', { timeout: Number.POSITIVE_INFINITY }], 'timeout: expected a number of ms, 2147483647 at most'],
    ['connect', ['a:1', { signal: {} }], 'signal: expected an AbortSignal'],
    [
      'connect',
      [{ hots: 'a', port: 1 }],
      'not a destination: { hots, port }; expected host:port, IPv6 in brackets, or { host, port }',
    ],
    ['close', [{ drian: 1 }], 'drian: there is no such option; did you mean drain?'],
  ] as const)('%s(%j)', async (method, given, message) => {
    expect(await told(method, ...given)).toBe(message);
  });

  test('and what is undefined is not given', async () => {
    const client = createClient({ url: 'ws://127.0.0.1:1/', token: TOKEN });
    const port = await client.listen({ port: 0, users: undefined, host: undefined, path: undefined } as { port: 0 });
    expect(port.address.address).toBe('127.0.0.1');
    await client.close({ drain: undefined } as object);
  });
});
