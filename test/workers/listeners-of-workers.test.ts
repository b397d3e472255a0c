import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startDatagramEcho } from 'wsproxy-test-support/destinations/datagram-echo';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { startListening } from 'wsproxy-test-support/programs/listening';
import type { Program } from 'wsproxy-test-support/programs/program';
import { ask } from 'wsproxy-test-support/sockets/ask';
import { bindDatagrams, freeDatagramPort } from 'wsproxy-test-support/sockets/datagram-socket';
import { listeningSocket } from 'wsproxy-test-support/sockets/kernel-sockets';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { Visits } from './visits.js';
import { lines, listenFor, pidOf } from './workers.js';

const OTHER = 'another-token-for-tests-0123456789-0123456789';

async function startWith(args: readonly string[] = [], options = {}) {
  const [echo, port] = [await startEcho(), await freePort()];
  const server = await start(
    'wsproxy-server',
    ['--reverse', '--listen-backlog', '1024', '--workers', '2', ...args],
    options,
  );
  const url = `ws://127.0.0.1:${server.port}/`;
  return { server: server.program, url, port, forward: `${port}:127.0.0.1:${echo.port}` };
}

/** A client that listens, and the worker that has its session. */
async function listen(server: Program, url: string, forward: string) {
  const [client, worker] = await listenFor(server, () => startListening(url, [forward]));
  return { client, worker };
}

/** The same in another worker than `worker`. */
async function listenElsewhere(server: Program, url: string, forward: string, worker: number) {
  for (;;) {
    const next = await listen(server, url, forward);
    if (next.worker !== worker) return next;
  }
}

describe('a client that is killed and started again, in another worker,', () => {
  test('has its port again at once, and nobody is refused meanwhile', { timeout: 180_000 }, async () => {
    // What the killed client had taken is reset when its session ends.
    const { server, url, port, forward } = await startWith(['--grace', '2s']);
    const first = await listen(server, url, forward);
    const socket = listeningSocket(port);
    const visits = new Visits(port);
    await visits.more(20);
    first.client.signal('SIGKILL');
    await first.client.ended;
    const began = performance.now();
    await listenElsewhere(server, url, forward, first.worker);
    await ask(port);
    const took = performance.now() - began;
    await visits.more(100);
    await visits.end();
    console.log(`the port answered ${took.toFixed(0)} ms after the start; ${visits.answered} visits`);
    expect(visits.failures.filter((failure) => failure.includes('ECONNREFUSED'))).toEqual([]);
    expect(listeningSocket(port)).toBe(socket);
  });
});

describe('of two clients with one name, in two workers,', () => {
  test('the later one has the port, and the earlier one has it again when that has ended', async () => {
    const { server, url, port, forward } = await startWith();
    const first = await listen(server, url, forward);
    const second = await listenElsewhere(server, url, forward, first.worker);
    await first.client.untilStderr(/stands by/);
    await ask(port);
    const opened = lines(server, 'remote listener open').length;
    second.client.signal('SIGTERM');
    await second.client.ended;
    await until('the first one listens', () => lines(server, 'remote listener open').length > opened);
    expect(lines(server, 'remote listener open').at(-1)).toMatchObject({ worker: first.worker });
    await ask(port);
  });

  test('also a port of UDP goes to the later one', async () => {
    const [{ server, url }, echo, port] = [await startWith(), await startDatagramEcho(), await freeDatagramPort()];
    const forward = `${port}:127.0.0.1:${echo.port}/udp`;
    let answers = 0;
    const { send } = await bindDatagrams(() => {
      answers += 1;
    });
    const exchange = (): Promise<void> => {
      const before = answers;
      return until('an answer', async () => {
        await send(Buffer.from('asked'), port);
        return answers > before;
      });
    };
    const first = await listen(server, url, forward);
    await exchange();
    const second = await listenElsewhere(server, url, forward, first.worker);
    await first.client.untilStderr(/stands by/);
    await exchange();
    process.kill(pidOf(server, second.worker), 'SIGKILL');
    await until('somebody listens again', () => lines(server, 'remote listener open').length > 2);
    await exchange();
  });
});

describe('two users', () => {
  const line = (id: string, token: string) =>
    `- { id: ${id}, token: "sha256:${createHash('sha256').update(token).digest('hex')}" }\n`;

  test('do not get the same port, no matter which workers they have', async () => {
    const file = join(temporaryFolder(), 'users.yaml');
    writeFileSync(file, line('alice', TOKEN) + line('bob', OTHER), { mode: 0o600 });
    const { server, url, port, forward } = await startWith(['--users', file], { token: null });
    await listen(server, url, forward);
    const args = [url, '-R', forward, '--exit-on-forward-failure', '--listen', '0'];
    for (let n = 0; n < 2; n++) {
      const { code, stderr } = await runCommand('wsproxy-client', args, { token: OTHER });
      expect(stderr).toMatch(/in use/);
      expect(code).toBe(1);
    }
    await ask(port);
  });
});

test('a worker that is killed leaves its ports open: who comes waits for the client, which has another worker', async () => {
  const { server, url, port, forward } = await startWith();
  const { worker } = await listen(server, url, forward);
  const socket = listeningSocket(port);
  const visits = new Visits(port);
  await visits.more(20);
  process.kill(pidOf(server, worker), 'SIGKILL');
  await until('it listens again', () => lines(server, 'remote listener open').length === 2);
  await visits.more(100);
  await visits.end();
  console.log(`the longest wait was ${visits.longest.toFixed(0)} ms; ${visits.answered} visits, ${visits.failures}`);
  expect(visits.failures.filter((failure) => failure.includes('ECONNREFUSED'))).toEqual([]);
  expect(visits.longest).toBeLessThan(5_000);
  expect(listeningSocket(port)).toBe(socket);
});

test('an exchange of all workers is noticed by nobody who comes to a port', { timeout: 180_000 }, async () => {
  const { server, url, port, forward } = await startWith();
  await listen(server, url, forward);
  const visits = new Visits(port);
  await visits.more(20);
  for (let generation = 2; generation <= 4; generation++) {
    server.signal('SIGUSR2');
    const opened = lines(server, 'remote listener open').length;
    await until('it listens there', () => lines(server, 'remote listener open').length > opened, 60_000);
    await visits.more(50);
  }
  await visits.end();
  console.log(`the longest wait was ${visits.longest.toFixed(0)} ms; ${visits.answered} visits`);
  expect(visits.failures).toEqual([]);
});
