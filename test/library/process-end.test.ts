import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startAnswerAfterEnd } from 'wsproxy-test-support/destinations/answer-after-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { connectTo, readToEnd } from 'wsproxy-test-support/sockets/application';
import { listen, listenOn } from 'wsproxy-test-support/sockets/listen';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.mjs`, import.meta.url));
const script = fixture('idle');

test('a program ends by itself though its client is connected', async () => {
  const { port } = await startServer();
  const { code, stdout } = await run(process.execPath, [script, `ws://127.0.0.1:${port}/`, TOKEN]);
  expect([code, stdout]).toEqual([0, 'done\n']);
});

test('a program does not end while it waits for a channel', async () => {
  const [{ port }, answer] = [await startServer(), await startAnswerAfterEnd()];
  const args = [script, `ws://127.0.0.1:${port}/`, TOKEN, `127.0.0.1:${answer.port}`];
  const { code, stdout } = await run(process.execPath, args);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}\ndone\n$/)]);
});

test.each(['channel', 'flow'])('a program does not end before whenIdle is settled, behind a %s', async (kind) => {
  const [{ port }, destination] = [await startServer(), await listen((socket) => socket.resume())];
  const args = [fixture('when-idle'), `ws://127.0.0.1:${port}/`, TOKEN, kind, `127.0.0.1:${destination.port}`];
  const { code, stdout } = await run(process.execPath, args);
  expect([code, stdout]).toEqual([0, 'idle\n']);
});

test('a program ends though its agent keeps a connection, as with one of node:http', async () => {
  const { port } = await startServer();
  const web = createServer((_request, response) => response.end('page\n'));
  web.keepAliveTimeout = 0;
  const { port: webPort } = await listenOn(web);
  const args = [fixture('keep-alive'), `ws://127.0.0.1:${port}/`, TOKEN, `http://127.0.0.1:${webPort}/`];
  const { code, stdout } = await run(process.execPath, args, { timeout: 20_000 });
  expect([code, stdout]).toEqual([0, 'page\n']);
});

test('a program that listens at the server ends when that is closed, and who has come has gone', async () => {
  const { port } = await startServer({ reverse: true });
  const program = new Program(process.execPath, [fixture('listening'), `ws://127.0.0.1:${port}/`, TOKEN]);
  const socket = await connectTo(Number(await program.untilStdout(/^(\d+)\n/)));
  expect(await readToEnd(socket)).toEqual({ bytes: 8, by: 'end' });
  socket.end();
  expect(await program.ended).toMatchObject({ code: 0, stderr: '' });
});

test('a program that listens at the server ends by itself where it is told not to live for it', async () => {
  const { port } = await startServer({ reverse: true });
  const { code, stdout } = await run(process.execPath, [
    fixture('listening'),
    `ws://127.0.0.1:${port}/`,
    TOKEN,
    'unref',
  ]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\n$/)]);
});

test('a program does not end before what its destroyed socket had written is delivered', async () => {
  const { port } = await startServer();
  let [bytes, how] = [0, ''];
  const destination = await listen((socket) => {
    socket.on('data', ({ length }: Buffer) => {
      bytes += length;
    });
    socket.once('end', () => {
      how = 'end';
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      how = error.code ?? error.message;
    });
  });
  const size = 20_000_000;
  const args = [fixture('last-words'), `ws://127.0.0.1:${port}/`, TOKEN, `127.0.0.1:${destination.port}`, `${size}`];
  const { code } = await run(process.execPath, args);
  expect(code).toBe(0);
  await until('the destination is told', () => how !== '');
  expect([bytes, how]).toEqual([size, 'end']);
});

test.each([
  ['through the tunnel', []],
  ['past the tunnel', ['127.0.0.0/8']],
])('a program ends %s though it has a connection that it has unreferenced, and loses nothing', async (_way, bypass) => {
  const received: number[] = [];
  const { port } = await listen((socket) => {
    const place = received.push(0) - 1;
    socket.on('data', ({ length }: Buffer) => {
      received[place] = (received[place] ?? 0) + length;
    });
    socket.once('end', () => socket.end('an answer'));
  });
  const { port: serverPort } = await startServer();
  const args = [fixture('unref'), `ws://127.0.0.1:${serverPort}/`, TOKEN];
  const { code, stdout, stderr } = await run(process.execPath, [...args, `127.0.0.1:${port}`, ...bypass]);
  expect([code, stdout, stderr]).toEqual([0, '9 bytes\n', '']);
  await until('everything has arrived', () => received.at(-1) === 1_000_000);
});
