import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { start } from 'wsproxy-test-support/programs/command-line';
import type { Program } from 'wsproxy-test-support/programs/program';
import { bySocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { doorsIn, expectEcho, isAlive, lines, pidOf, workersOf } from './workers.js';

async function startWith(...args: string[]) {
  const echo = await startEcho();
  const server = await start('wsproxy-server', ['--allow-private', ...args]);
  return { server: server.program, url: `ws://127.0.0.1:${server.port}/`, echo };
}

/** A client with an open connection of an application, and the number of the worker that has its session. */
async function join(server: Program, url: string, echoPort: number) {
  const before = began(server).length;
  const { port, program } = await start('wsproxy-client', [url]);
  const application = await bySocks5(port, '127.0.0.1', echoPort);
  await until('a session began', () => began(server).length > before);
  const { worker } = began(server)[before] ?? {};
  return { application, port, client: program, worker: Number(worker) };
}

const began = (server: Program) => lines(server, 'session began');

describe('workers', () => {
  test('get clients in turn', async () => {
    const { server, url, echo } = await startWith('--workers', '2');
    const clients = [await join(server, url, echo.port), await join(server, url, echo.port)];
    expect(clients.map(({ worker }) => worker).sort()).toEqual([1, 2]);
  });

  test('take only their own sessions with them when they are killed, and are replaced at once', async () => {
    const { server, url, echo } = await startWith('--workers', '2');
    const [one, other] = [await join(server, url, echo.port), await join(server, url, echo.port)];
    const ending = readToEnd(one.application);
    process.kill(pidOf(server, one.worker), 'SIGKILL');
    expect(await ending).toMatchObject({ by: 'reset' });
    await expectEcho(other.application, 'still there');
    await until('another one is ready', () => lines(server, 'a worker is ready').length === 3);
    const [loss] = lines(server, 'a worker has ended, and its sessions with it; another one takes its place');
    expect(loss).toMatchObject({ worker: one.worker, signal: 'SIGKILL', level: 'error' });
    const again = await bySocks5(one.port, '127.0.0.1', echo.port);
    await expectEcho(again, 'again');
    expect(workersOf(server)).toHaveLength(2);
  });

  test('tell why they die', async () => {
    const { server } = await startWith('--workers', '1');
    process.kill(pidOf(server, 1), 'SIGABRT');
    await until('it is told', () => lines(server, /^a worker has ended/).length === 1);
    expect(lines(server, /^a worker has ended/)[0]).toMatchObject({ worker: 1, signal: 'SIGABRT' });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('let open connections finish after %s', async (signal) => {
    const { server, url, echo } = await startWith('--workers', '2', '--drain', '1m');
    const clients = [await join(server, url, echo.port), await join(server, url, echo.port)];
    // As a terminal does, and systemd: all processes get it.
    for (const pid of workersOf(server)) process.kill(pid, signal);
    server.signal(signal);
    await server.untilStderr(/"channels":2,"flows":0,"drainMs":60000,.*"msg":"stopping"/);
    for (const { application } of clients) {
      const ending = readToEnd(application);
      application.end('the last words');
      expect(await ending).toEqual({ bytes: 14, by: 'end' });
    }
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
  });

  test('cut what does not finish in time, and that is told once', async () => {
    const { server, url, echo } = await startWith('--workers', '2', '--drain', '200ms');
    const clients = [await join(server, url, echo.port), await join(server, url, echo.port)];
    const endings = clients.map(({ application }) => readToEnd(application));
    server.signal('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
    for (const ending of endings) expect(await ending).toMatchObject({ by: 'reset' });
    const told = lines(server, 'connections were cut that did not finish in time');
    expect(told).toEqual([expect.objectContaining({ channels: 2 })]);
  });

  test('end at once with a second signal', async () => {
    const { server, url, echo } = await startWith('--workers', '2', '--drain', '1m');
    await join(server, url, echo.port);
    const pids = workersOf(server);
    server.signal('SIGTERM');
    await server.untilStderr(/"msg":"stopping"/);
    await until('it has ended', () => {
      server.signal('SIGTERM');
      return server.child.exitCode !== null;
    });
    expect(await server.ended).toMatchObject({ code: 143 });
    await until('its workers have ended', () => pids.every((pid) => !isAlive(pid)));
  });

  test('end when their parent is killed, and reset what is open', async () => {
    const [folder, echo] = [temporaryFolder(), await startEcho()];
    const args = ['--allow-private', '--workers', '2'];
    const { program: server, port } = await start('wsproxy-server', args, { env: { RUNTIME_DIRECTORY: folder } });
    const { application } = await join(server, `ws://127.0.0.1:${port}/`, echo.port);
    const pids = workersOf(server);
    const ending = readToEnd(application);
    expect(doorsIn(folder)).toHaveLength(1);
    server.signal('SIGKILL');
    expect(await ending).toMatchObject({ by: 'reset' });
    await until('they have ended', () => pids.every((pid) => !isAlive(pid)));
    expect(doorsIn(folder)).toEqual([]);
  });

  test('that do not answer get no new connections, until they answer again', { timeout: 60_000 }, async () => {
    const { server, url, echo } = await startWith('--workers', '2');
    process.kill(pidOf(server, 1), 'SIGSTOP');
    await until('it is told', () => lines(server, /^a worker does not answer/).length === 1, 20_000);
    for (let n = 0; n < 3; n++) expect((await join(server, url, echo.port)).worker).toBe(2);
    process.kill(pidOf(server, 1), 'SIGCONT');
    await until('it answers', () => lines(server, 'a worker answers again').length === 1, 20_000);
    const workers = [await join(server, url, echo.port), await join(server, url, echo.port)].map((each) => each.worker);
    expect(workers).toContain(1);
  });

  test('are not flooded, nor is the log, while none of them answers', { timeout: 60_000 }, async () => {
    const { server, url } = await startWith('--workers', '2');
    for (const pid of workersOf(server)) process.kill(pid, 'SIGSTOP');
    atEnd(() => {
      for (const pid of workersOf(server)) process.kill(pid, 'SIGCONT');
    });
    let resets = 0;
    const port = Number(new URL(url).port);
    const strangers = Array.from({ length: 2_000 }, () => connect(port, '127.0.0.1').on('error', () => (resets += 1)));
    atEnd(() => {
      for (const stranger of strangers) stranger.destroy();
    });
    const crowded = () => lines(server, 'too many connections wait for a worker, one was reset');
    const told = () => crowded().reduce((sum, { unlogged = 0 }) => sum + 1 + Number(unlogged), 0);
    await until('those are told of who were sent away', () => resets > 900 && told() === resets, 20_000);
    expect(crowded().length).toBeLessThan(200);
  });
});
