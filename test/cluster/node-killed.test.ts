import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { until } from 'wsproxy-test-support/until';
import { BALANCERS, skipUnlessBalances } from './balancers.js';
import { startBehind } from './behind.js';
import { NAMES } from './nodes.js';

const CLIENTS = 12;
/** From the end of a node to the first answer by way of another one, ms. */
const WORKS_AGAIN = 3_000;
/** Where the machine has so much else to do that clients need long to begin at all, as many times as long as that. */
const TIMES_A_BEGIN = 4;

async function ask(socket: Socket, question: string): Promise<boolean> {
  socket.write(question);
  return (await readBytes(socket, question.length)).toString() === question;
}

describe.each(Object.entries(BALANCERS))('a node killed behind %s', (program, start) => {
  skipUnlessBalances(program);
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('curl');

  test('ends its sessions and no others, and their clients work again within 3 s', async () => {
    const [behind, echo] = await Promise.all([
      startBehind(start, { way: 'as shipped', names: NAMES, knowEachOther: true }),
      startEcho(),
    ]);
    const nodes = [...behind.nodes.values()];
    const startClients = () =>
      Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          const { port } = await behind.startClient();
          const socket = await bySocks5(port, '127.0.0.1', echo.port);
          expect(await ask(socket, 'before')).toBe(true);
          return { port, socket };
        }),
      );
    const clients = await startClients();
    const counts = await Promise.all(nodes.map(async (node) => (await node.sessions()).length));
    expect(counts.reduce((sum, count) => sum + count)).toBe(CLIENTS);
    const [most = 0] = [...counts.keys()].sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0));
    const endings = clients.map(({ socket }) => readToEnd(socket).then(({ by }) => by));

    const began = performance.now();
    await nodes[most]?.kill();
    const times = await Promise.all(
      clients.map(async ({ port }) => {
        // What was asked for as the node died fails honestly.
        const again = async () => ask(await bySocks5(port, '127.0.0.1', echo.port), 'after').catch(() => false);
        await until('it works again', () => again().catch(() => false));
        return performance.now() - began;
      }),
    );
    for (const { socket } of clients) socket.end();
    const beganMore = performance.now();
    for (const { socket } of await startClients()) socket.end();
    const begin = performance.now() - beganMore;
    const resets = (await Promise.all(endings)).filter((by) => by === 'reset');
    const took = `${Math.max(...times).toFixed(0)} ms, and as many new ones began within ${begin.toFixed(0)} ms`;
    console.log(`${counts.join('/')} sessions, all work again after ${took}`);
    expect(resets).toHaveLength(counts[most] ?? -1);
    expect(Math.max(...times)).toBeLessThan(Math.max(WORKS_AGAIN, TIMES_A_BEGIN * begin));
  });
});
