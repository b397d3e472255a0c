import { once } from 'node:events';
import { createServer as createHttpServer, get } from 'node:http';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createServer } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient } from 'wsproxy-test-support/tunnel';

const NOTHING = '$-1\r\n';

/** Stands where the store would, and answers each question alike. */
async function startImpostor(answer: string): Promise<string> {
  const { port } = await listen((socket) => {
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('data', () => socket.write(answer));
  });
  return `redis://127.0.0.1:${port}`;
}

test.each([
  ['nothing', NOTHING],
  ['a number', ':7\r\n'],
  ['yes', ':1\r\n'],
  ['a text', '$3\r\nabc\r\n'],
  ['an empty list', '*0\r\n'],
  ['a list of anything', '*3\r\n*1\r\n$1\r\nx\r\n*1\r\n:4\r\n$3\r\nfoo\r\n'],
  ['an error', '-WRONGPASS invalid username-password pair\r\n'],
  ['no protocol that it knows', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['more than was asked', ':1\r\n:1\r\n:1\r\n'],
])('a store that answers %s is as one that is away', async (_, answer) => {
  const server = createServer({ token: TOKEN, allowPrivate: true });
  atEnd(() => server.close());
  await server.share({ store: await startImpostor(answer) });
  const { port } = await server.listen({ port: 0 });
  const echo = await startEcho();
  const { client } = await startClient(port);
  const socket = await client.connect({ host: '127.0.0.1', port: echo.port });
  atEnd(() => void socket.destroy());
  socket.write('here');
  expect(String(await new Promise((resolve) => socket.once('data', resolve)))).toBe('here');
  expect(server.sharing?.isReached).toBe(false);
});

describe('what somebody has written into the store', () => {
  skipUnlessInstalled('redis-server');

  test('leads to no socket of this machine but those of the processes of the server', async () => {
    const redis = new RedisProgram();
    await redis.start();
    const [doors, strange] = [temporaryFolder(), join(temporaryFolder(), 'strange')];
    let visits = 0;
    const stranger = createHttpServer().on('connection', () => {
      visits += 1;
    });
    atEnd(() => stranger.close());
    await new Promise<void>((resolve) => stranger.listen(strange, resolve));
    const process = relative(doors, strange);
    const prefix = 'wsproxy:{default}:';
    await redis.cli('sadd', `${prefix}processes`, process);
    await redis.cli('hset', `${prefix}process:${process}`, '#node', 'n', '#address', '', '@name/a.example', '1');
    const server = createServer({ token: TOKEN, reverse: true, node: 'n' });
    atEnd(() => server.close());
    await server.listenInner({ workers: doors });
    await server.share({ store: redis.url });
    const { port } = await server.listenReverseHttp({ port: 0, host: '127.0.0.1' });
    await once(get({ host: '127.0.0.1', port, headers: { host: 'a.example' } }), 'response');
    expect(visits).toBe(0);
  });
});
