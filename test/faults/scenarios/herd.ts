import { setTimeout as pause } from 'node:timers/promises';
import { type Client, createClient } from 'wsproxy-client';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { until } from 'wsproxy-test-support/until';
import { End } from '../lab/end.js';
import type { Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const AWAY = 2_000;
/** The longest pause between two tries, and the time to be served once a client has come, ms. */
const ALL_BACK_IN = 40_000;

/** Many clients whose server is killed and comes back: how they come back to it. */
async function herd(lab: Lab): Promise<void> {
  const count = lab.size(500, 50);
  const args = ['--allow-private', '--max-sessions-per-user', '10000', '--max-sessions', '10000'];
  let server = await End.start('wsproxy-server', args);
  const { port } = server;
  const backAt = new Map<Client, number>();
  const clients = Array.from({ length: count }, () => {
    const client = createClient({ url: `ws://127.0.0.1:${port}/`, token: TOKEN });
    client.on('state', (state) => {
      if (state === 'online') backAt.set(client, performance.now());
    });
    atEnd(() => client.close());
    return client;
  });
  for (const client of clients) await client.start();
  lab.status = `${count} clients, without a server`;
  server.program.signal('SIGKILL');
  await server.program.ended;
  backAt.clear();
  await pause(AWAY);
  server = await End.start('wsproxy-server', args, { port });
  const start = performance.now();
  await until('every client is back', () => backAt.size === count, ALL_BACK_IN);
  const times = [...backAt.values()].map((at) => Math.max(0, at - start)).sort((a, b) => a - b);
  for (const time of times) lab.note({ kind: 'one of the herd', time });
  const perSecond = Array.from(
    { length: Math.ceil((times.at(-1) ?? 0) / 1000) },
    (_, second) => times.filter((time) => Math.floor(time / 1000) === second).length,
  );
  lab.figure('back in each second', perSecond.join(' '));
  await lab.expect('the server lives', server.isAlive);
  for (const client of clients) await client.close();
}

export const herds: readonly Scenario[] = [
  { id: 'S20', title: '500 clients whose server is killed and comes back after 2 s', hostile: ['J14'], run: herd },
];
