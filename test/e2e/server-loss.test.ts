import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { start } from 'wsproxy-test-support/programs/command-line';
import { askSocks5, bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';

const APPLICATIONS = 10;
/** How long a new request may fail after the server has come back, ms. */
const BACK_IN = 3_000;
/** Long enough for the pauses between two tries to grow far beyond that, ms. */
const OUTAGE = 4_000;

/** Both programs, a destination, and applications that have had an answer from it. */
async function startAll(grace: string) {
  const serverPort = await freePort();
  const startServer = () => start('wsproxy-server', ['--allow-private', '--grace', grace], { port: serverPort });
  const [server, echo] = await Promise.all([startServer(), startEcho()]);
  const client = await start('wsproxy-client', [`ws://127.0.0.1:${serverPort}/`, '--grace', grace]);
  const applications = await Promise.all(
    Array.from({ length: APPLICATIONS }, () => bySocks5(client.port, '127.0.0.1', echo.port)),
  );
  for (const application of applications) await expectAnswer(application);
  const ask = () => askSocks5(client.port, '127.0.0.1', echo.port);
  return { server: server.program, startServer, applications, ask };
}

async function expectAnswer(socket: Socket): Promise<void> {
  socket.write('hello');
  expect((await readBytes(socket, 5)).toString()).toBe('hello');
}

async function expectService(ask: () => Promise<[reply: number, socket: Socket]>): Promise<void> {
  const start = performance.now();
  await until('a new request is served', async () => {
    const [reply, socket] = await ask();
    if (reply === 0) await expectAnswer(socket);
    socket.destroy();
    return reply === 0;
  });
  expect(performance.now() - start).toBeLessThan(BACK_IN);
}

describe('when the server is killed', () => {
  test('and started again, every open connection is reset, and the next one is served', async () => {
    const { server, startServer, applications, ask } = await startAll('2m');
    const endings = Promise.all(applications.map((application) => readToEnd(application)));
    server.signal('SIGKILL');
    await server.ended;
    await startServer();
    await expectService(ask);
    expect(await endings).toEqual(applications.map(() => ({ bytes: 0, by: 'reset' })));
  });

  test('and stays away, every open connection is reset when its grace is over, and not before', async () => {
    const { server, startServer, applications, ask } = await startAll('1s');
    const endings = Promise.all(applications.map((application) => readToEnd(application)));
    server.signal('SIGKILL');
    const start = performance.now();
    expect(await endings).toEqual(applications.map(() => ({ bytes: 0, by: 'reset' })));
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(performance.now() - start).toBeLessThan(3_000);
    await startServer();
    await expectService(ask);
  });

  test('and stays away for long, a new request makes the client try sooner', async () => {
    const { server, startServer, ask } = await startAll('100ms');
    server.signal('SIGKILL');
    // What is asked in the meantime waits 5 s for nothing, and the pauses between two tries grow.
    for (const start = performance.now(); performance.now() - start < OUTAGE; ) {
      const [reply, socket] = await ask();
      expect(reply).toBe(0x01);
      socket.destroy();
    }
    await startServer();
    await expectService(ask);
  });
});
