import { expect, test } from 'vitest';
import { createClient } from 'wsproxy-client';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { type Listening, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';

/** On SIGUSR2 a program collects its garbage, and tells what is left. */
const REPORTING = `--import=${new URL('../../bench/support/report-memory.mjs', import.meta.url)}`;
const OPTIONS = { env: { NODE_OPTIONS: REPORTING } };
/** What one client may have. */
const CONNECTIONS = 16;
const PARALLEL = 25;

/** Bytes of JavaScript that a program holds. */
async function held({ program }: Listening): Promise<number> {
  const before = program.stderr.length;
  program.signal('SIGUSR2');
  for (;;) {
    const line = /\{"msg":"memory".*\}/.exec(program.stderr.slice(before))?.[0];
    if (line !== undefined) {
      const { heapUsed, external } = JSON.parse(line);
      return heapUsed + external;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function openSessions(port: number, clients: number): Promise<void> {
  const starting = Array.from({ length: clients }, () => {
    const client = createClient({ url: `ws://127.0.0.1:${port}/`, token: TOKEN, connections: CONNECTIONS });
    atEnd(() => client.close());
    return client.start();
  });
  await Promise.all(starting);
}

test('an idle session costs the server 8 KiB of JavaScript at most', async () => {
  const limits = ['--max-sessions', '10000', '--max-sessions-per-user', '10000'];
  const server = await start('wsproxy-server', limits, OPTIONS);
  // What the code itself takes is there after some.
  await openSessions(server.port, 8);
  const before = await held(server);
  await openSessions(server.port, 20);
  const each = ((await held(server)) - before) / (20 * CONNECTIONS);
  console.log(`an idle session: ${(each / 1024).toFixed(2)} KiB`);
  expect(each).toBeLessThan(8 * 1024);
});

test('an idle channel costs either end 4 KiB of JavaScript at most, that of its socket included', async () => {
  const limits = ['--allow-private', '--no-access-log', '--max-channels-per-session', '2000'];
  const [server, echo] = await Promise.all([start('wsproxy-server', limits, OPTIONS), startEcho()]);
  const client = await start('wsproxy-client', [`ws://127.0.0.1:${server.port}/`], OPTIONS);
  const open = async (count: number): Promise<void> => {
    let left = count;
    const openInTurn = async (): Promise<void> => {
      while (left-- > 0) {
        const socket = await bySocks5(client.port, '127.0.0.1', echo.port);
        socket.write('hello');
        await readBytes(socket, 5);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, openInTurn));
  };
  await open(400);
  const counts = [await Promise.all([client, server].map(held))];
  for (let n = 0; n < 2; n++) {
    await open(700);
    counts.push(await Promise.all([client, server].map(held)));
  }
  // What code and the like take comes once, at any time.
  const each = [0, 1].map((end) =>
    Math.min(...[1, 2].map((n) => ((counts[n]?.[end] ?? 0) - (counts[n - 1]?.[end] ?? 0)) / 700)),
  );
  console.log(`an idle channel: ${each.map((bytes) => (bytes / 1024).toFixed(2)).join(' and ')} KiB`);
  expect(Math.max(...each)).toBeLessThan(4 * 1024);
});
