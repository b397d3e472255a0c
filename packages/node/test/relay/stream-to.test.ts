import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { echo, refuseWith, TestTunnel } from 'wsproxy-test-support/test-tunnel';
import { streamTo } from '../../src/relay/stream-to.js';

let tunnel: TestTunnel;

afterEach(() => tunnel.close());

test('a channel as a stream carries bytes, and keeps half-closes', async () => {
  tunnel = new TestTunnel(echo);
  expect(Buffer.concat(await streamTo(tunnel, { host: 'a', port: 1 }).end('hello').toArray()).toString()).toBe('hello');
});

test.each([false, true])('a channel that is refused is an error of its stream (ended before: %s)', async (isEnded) => {
  tunnel = new TestTunnel(refuseWith('DENIED'));
  const stream = streamTo(tunnel, { host: 'a', port: 1 });
  if (isEnded) stream.end('hello');
  expect(await once(stream, 'error')).toMatchObject([{ code: 'DENIED' }]);
});
