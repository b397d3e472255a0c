import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createClient } from '../../src/client.js';

const DIGEST_OF_NOTHING = createHash('sha256').digest('hex');
const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';

/** What one of the methods of a client says to what it was given. */
async function told(method: 'listen' | 'forward' | 'serveStatus' | 'connect' | 'close', ...given: unknown[]) {
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
    ['serveStatus', [{ port: 0, path: 7 }], 'path: expected a string'],
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
