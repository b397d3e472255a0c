import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { bySocks5, connectTo, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const IMAGES = 500;
const PAGE = 'GET /image HTTP/1.1\r\nHost: 127.0.0.1:1080\r\nSec-Fetch-Site: cross-site\r\n\r\n';

async function answerTo(socket: Socket, request: string): Promise<string> {
  const chunks: Buffer[] = [];
  const ended = readToEnd(socket, (chunk) => chunks.push(chunk));
  socket.write(request);
  await ended;
  socket.destroy();
  return Buffer.concat(chunks).toString('latin1');
}

test('D6 D7 five hundred requests of a page at once are refused alike, and applications are served among them', async () => {
  const [{ port }, echo] = await Promise.all([startTunnel(), startEcho()]);
  const sockets = await Promise.all(Array.from({ length: IMAGES }, () => connectTo(port)));
  const answers = Promise.all(sockets.map((socket) => answerTo(socket, PAGE)));
  for (let n = 0; n < 10; n++) {
    const socket = await bySocks5(port, '127.0.0.1', echo.port);
    socket.write('hello');
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
    socket.destroy();
  }
  const different = new Set(await answers);
  expect(different.size).toBe(1);
  expect([...different][0]).toMatch(/^HTTP\/1\.1 403 /);
});

test('D7 what a page is answered does not tell whether the tunnel is up, or whether it has the right Host', async () => {
  const up = await startTunnel();
  const down = await startTunnel();
  await down.server.close();
  const hosts = ['127.0.0.1:1080', 'localhost', 'evil.example'];
  const answers = await Promise.all(
    [up.port, down.port].flatMap((port) =>
      hosts.map(async (host) => answerTo(await connectTo(port), PAGE.replace('127.0.0.1:1080', host))),
    ),
  );
  expect(new Set(answers).size).toBe(1);
});

test('D7 half-open connections by the hundred leave room for applications', async () => {
  const [{ port }, echo] = await Promise.all([startTunnel(), startEcho()]);
  const idle = await Promise.all(Array.from({ length: IMAGES }, () => connectTo(port)));
  const socket = await bySocks5(port, '127.0.0.1', echo.port);
  socket.write('hello');
  expect((await readBytes(socket, 5)).toString()).toBe('hello');
  for (const one of [socket, ...idle]) one.destroy();
});
