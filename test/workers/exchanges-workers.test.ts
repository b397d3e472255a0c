import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { SSHD, startSshd } from 'wsproxy-test-support/destinations/sshd';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { effort } from 'wsproxy-test-support/engine/effort';
import { KeystreamChecker, sha256, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { start } from 'wsproxy-test-support/programs/command-line';
import { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, connectTo, readHead, readToEnd } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { expectEcho, isAlive, lines, pidOf, workersOf } from './workers.js';

const EXCHANGED = 'new workers serve what is new';
/** Of each download. */
const LENGTH = 4_000_000;
/** At a time, and a fifth as many ssh sessions, but some. */
const DOWNLOADS = effort('DOWNLOADS', 4);
const SSH_SESSIONS = Math.max(4, DOWNLOADS / 5);

async function startWith(...args: string[]) {
  const echo = await startEcho();
  const { program: server, port } = await start('wsproxy-server', ['--allow-private', '--workers', '2', ...args]);
  return { server, port, url: `ws://127.0.0.1:${port}/`, echo };
}

/** Has new workers take over; resolves when they have. */
async function exchange(server: Program): Promise<void> {
  const before = lines(server, EXCHANGED).length;
  server.signal('SIGUSR2');
  await until('new workers serve', () => lines(server, EXCHANGED).length > before);
}

describe('SIGUSR2', () => {
  test('has new workers serve what is new, and the others go on with what they have until it is over', async () => {
    const { server, url, echo } = await startWith();
    const client = await start('wsproxy-client', [url]);
    const running = await bySocks5(client.port, '127.0.0.1', echo.port);
    const before = workersOf(server);
    await exchange(server);
    expect(lines(server, EXCHANGED)).toEqual([
      expect.objectContaining({ generation: 2, workers: [3, 4], version: expect.any(String) }),
    ]);
    await until('the client has a session there', () =>
      lines(server, 'session began').some((line) => Number(line['worker']) > 2),
    );
    await expectEcho(running, 'as before');
    // The client goes there as soon as it knows that its session there stands.
    await until('what is new goes there', async () => {
      const anew = await bySocks5(client.port, '127.0.0.1', echo.port);
      await expectEcho(anew, 'and anew');
      const over = readToEnd(anew);
      anew.end();
      await over;
      return lines(server, 'channel over').some((line) => Number(line['worker']) > 2);
    });
    // The one without a session has had nothing to wait for.
    await until('one has ended', () => before.filter(isAlive).length === 1);
    const ending = readToEnd(running);
    running.end('the last words');
    expect(await ending).toEqual({ bytes: 14, by: 'end' });
    await until('the other one too', () => before.filter(isAlive).length === 0);
    await until('both are told', () => lines(server, 'a former worker has ended').length === 2);
    expect(lines(server, /^a worker has ended/)).toEqual([]);
  });

  test('leaves a user room for new sessions beside those that go on, however often it comes', async () => {
    const { server, port: serverPort, url, echo } = await startWith('--max-sessions-per-user', '3');
    const { port } = await start('wsproxy-client', [url, '--connections', '3']);
    const running: Socket[] = [];
    for (let generation = 1; generation <= 4; generation++) {
      if (generation > 1) await exchange(server);
      await until('the client has all its sessions in workers of now', () => {
        const newest = lines(server, 'session began').filter(({ worker }) => Number(worker) > 2 * (generation - 1));
        return newest.length === 3;
      });
      // One goes by each of them, so that none is over.
      for (let n = 0; n < 3; n++) running.push(await bySocks5(port, '127.0.0.1', echo.port));
    }
    for (const [n, socket] of running.entries()) await expectEcho(socket, `of connection ${n}`);
    expect(lines(server, /^(a limit was reached|session over)/)).toEqual([]);
    // There is room for these, and no more.
    startClient(serverPort).catch(() => {});
    await until('another one is refused', () => lines(server, 'a limit was reached').length > 0);
    expect(lines(server, 'a limit was reached')[0]).toMatchObject({ limit: 'sessionsPerUser' });
  });

  test('lets those that have something for longer than --retire end as after SIGTERM', async () => {
    const { server, url, echo } = await startWith('--retire', '1s', '--drain', '100ms');
    const { port } = await start('wsproxy-client', [url]);
    const running = await bySocks5(port, '127.0.0.1', echo.port);
    const ending = readToEnd(running);
    await exchange(server);
    expect(await ending).toMatchObject({ by: 'reset' });
    await until('they have ended', () => lines(server, 'a former worker has ended').length === 2);
    const cut = lines(server, 'a former worker has ended').reduce((sum, line) => sum + Number(line['channels']), 0);
    expect(cut).toBe(1);
  });

  test('changes nothing when the new workers cannot start, and says why', async () => {
    const config = join(temporaryFolder(), 'server.yaml');
    writeFileSync(config, 'allow-private: true\n');
    const { server, url, echo } = await startWith('--config', config);
    const { port } = await start('wsproxy-client', [url]);
    const running = await bySocks5(port, '127.0.0.1', echo.port);
    const before = workersOf(server);
    writeFileSync(config, 'allow-private: perhaps\n');
    server.signal('SIGUSR2');
    await until('it is told', () => lines(server, /^new workers have not started/).length === 1);
    const [line] = lines(server, /^new workers have not started/);
    expect(line).toMatchObject({ level: 'error', generation: 2, reason: expect.stringContaining(`${config}:1: `) });
    await until('nothing of them is left', () => workersOf(server).length === before.length);
    expect(workersOf(server)).toEqual(before);
    await expectEcho(running, 'as before');
    await expectEcho(await bySocks5(port, '127.0.0.1', echo.port), 'and anew');
    // Once it is right, it counts.
    writeFileSync(config, 'allow-private: true\ndeny: ["*"]\n');
    await exchange(server);
  });

  test('counts once more when it comes while new workers start', async () => {
    const { server } = await startWith();
    server.signal('SIGUSR2');
    server.signal('SIGUSR2');
    await until('both were followed', () => lines(server, EXCHANGED).length >= 1);
    await exchange(server);
    expect(workersOf(server).length).toBeGreaterThanOrEqual(2);
    server.signal('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
  });

  test('says which settings a restart alone can change', async () => {
    const config = join(temporaryFolder(), 'server.yaml');
    writeFileSync(config, 'drain: 10s\n');
    const { server } = await startWith('--config', config);
    writeFileSync(config, 'drain: 20s\nallow-private: true\n');
    await exchange(server);
    await until('it is told', () => lines(server, 'changed, but counts only from the next start on').length === 1);
    expect(lines(server, /^changed, but/)).toEqual([expect.objectContaining({ settings: ['drain'] })]);
  });

  test('does nothing to a server without workers', async () => {
    const { program, port } = await start('wsproxy-server', []);
    program.signal('SIGUSR2');
    await until('it is told', () => lines(program, 'SIGUSR2: without --workers nothing is replaced').length === 1);
    await start('wsproxy-client', [`ws://127.0.0.1:${port}/`]);
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
  });
});

describe('ten exchanges of all workers', () => {
  skipUnlessInstalled('ssh');
  skipUnlessInstalled(SSHD);
  skipUnlessInstalled('nc');

  test('are noticed by no download, no ssh session and no new request', {
    timeout: 180_000 + DOWNLOADS * 2_000,
  }, async () => {
    const { server, port: serverPort, url } = await startWith('--health', '127.0.0.1:0');
    const [, health = ''] = /"health":"127.0.0.1:(\d+)"/.exec(server.stderr) ?? [];
    const [files, sshd] = await Promise.all([startWebFiles(), startSshd()]);
    const { port } = await start('wsproxy-client', [url, '--connections', '4']);
    let release: () => void = () => {};
    const source = await startSource(
      'long',
      LENGTH,
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    let isOver = false;
    const failures: unknown[] = [];
    const attempt = async <T>(what: string, task: () => Promise<T>): Promise<void> => {
      try {
        await task();
      } catch (error) {
        failures.push(`${what}: ${error}`);
      }
    };

    const long = Array.from({ length: DOWNLOADS }, async () => {
      const [checker, socket] = [new KeystreamChecker('long'), await bySocks5(port, '127.0.0.1', source.port)];
      const ending = await readToEnd(socket, (chunk) => checker.push(chunk));
      socket.end();
      return ending;
    });
    const proxyCommand = `nc -X 5 -x 127.0.0.1:${port} %h %p`;
    const sessions = Array.from(
      { length: SSH_SESSIONS },
      () =>
        new Program('ssh', [...sshd.options(), '-o', `ProxyCommand=${proxyCommand}`, '127.0.0.1', 'cat'], {
          input: 'open',
        }),
    );

    let requests = 0;
    const running = new Set<Promise<void>>();
    const expected = await sha256OfKeystream('short', 100_000);
    const timer = setInterval(() => {
      requests += 1;
      const task = attempt('a request', async () => {
        const socket = await bySocks5(port, '127.0.0.1', files.port);
        socket.write('GET /short/100000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
        await readHead(socket);
        expect(await sha256(socket)).toBe(expected);
        socket.end();
      });
      running.add(task);
      void task.then(() => running.delete(task));
      // A client that comes now is never refused.
      const stranger = attempt('a connection', async () => {
        const socket = await connectTo(serverPort);
        socket.write('GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n');
        expect(await readHead(socket)).toMatch(/^HTTP\/1.1 404 /);
      });
      running.add(stranger);
      void stranger.then(() => running.delete(stranger));
      for (const session of sessions) session.child.stdin?.write(`line ${requests}\n`);
    }, 20);
    const looks = setInterval(() => {
      const look = attempt('readyz', async () => {
        const [response] = await once(
          get({ port: Number(health), host: '127.0.0.1', path: '/readyz', agent: false }),
          'response',
        );
        response.resume();
        expect(response.statusCode).toBe(200);
      });
      running.add(look);
      void look.then(() => running.delete(look));
    }, 100);

    for (let n = 0; n < 10; n++) await exchange(server);
    isOver = true;
    clearInterval(timer);
    clearInterval(looks);
    await Promise.all(running);
    release();
    expect(isOver).toBe(true);
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(50);
    for (const ending of await Promise.all(long)) expect(ending).toEqual({ bytes: LENGTH, by: 'end' });
    const said = Array.from({ length: requests }, (_, n) => `line ${n + 1}\n`).join('');
    for (const session of sessions) {
      session.child.stdin?.end();
      expect(await session.ended).toMatchObject({ code: 0, stdout: said, stderr: '' });
    }
    await until(
      'all former workers have ended',
      () => lines(server, 'a former worker has ended').length === 20,
      60_000,
    );
    expect(workersOf(server)).toHaveLength(2);
    expect(pidOf(server, 22)).toBeGreaterThan(0);
  });
});
