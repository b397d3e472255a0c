import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { start } from 'wsproxy-test-support/programs/command-line';
import { askSocks5, bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';

const GRACE = ['--grace', '1s'];
const CHANNELS = 10;
const GONE_IN = 15_000;

async function prepare() {
  const server = await start('wsproxy-server', ['--allow-private', ...GRACE]);
  const relay = await new CuttingRelay(server.port).start();
  const client = await start('wsproxy-client', [`ws://127.0.0.1:${relay.port}/`, ...GRACE]);
  return { server: server.program, client: client.program, port: client.port, relay };
}

async function isServed(port: number, echoPort: number): Promise<boolean> {
  const [reply, socket] = await askSocks5(port, '127.0.0.1', echoPort);
  socket.destroy();
  return reply === 0;
}

test('K4 a client that is killed: its destinations are reset after the grace, and its session is forgotten', async () => {
  const { server, client, port } = await prepare();
  const endings: string[] = [];
  const destination = await listen((socket) => {
    void readToEnd(socket).then(({ by }) => endings.push(by));
  });
  for (let n = 0; n < CHANNELS; n++) await bySocks5(port, '127.0.0.1', destination.port);
  await until('every destination is connected', () => destination.sockets.size === CHANNELS);
  client.signal('SIGKILL');
  await server.untilStderr(/"session detached"/, GONE_IN);
  await server.untilStderr(/"session over"/, GONE_IN);
  await until('every destination is rid of its connection', () => endings.length === CHANNELS, GONE_IN);
  expect(endings).toEqual(Array(CHANNELS).fill('reset'));
});

test('K6 a client that was stopped for longer than the grace: its applications are reset, and the next is served', async () => {
  const [{ server, client, port, relay }, echo] = await Promise.all([prepare(), startEcho()]);
  const socket = await bySocks5(port, '127.0.0.1', echo.port);
  socket.write('hello');
  await readBytes(socket, 5);
  const ended = readToEnd(socket);
  client.signal('SIGSTOP');
  // The kernel keeps the connection of a process that is stopped; the network may not.
  relay.cut('reset');
  await server.untilStderr(/"session over"/, GONE_IN);
  client.signal('SIGCONT');
  expect(await ended).toEqual({ bytes: 0, by: 'reset' });
  await until('the next one is served', () => isServed(port, echo.port), GONE_IN);
});
