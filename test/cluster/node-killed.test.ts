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
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const { port } = await behind.startClient();
        const socket = await bySocks5(port, '127.0.0.1', echo.port);
        expect(await ask(socket, 'before')).toBe(true);
        return { port, socket };
      }),
    );
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
    const resets = (await Promise.all(endings)).filter((by) => by === 'reset');
    console.log(`${counts.join('/')} sessions, all work again after ${Math.max(...times).toFixed(0)} ms`);
    expect(resets).toHaveLength(counts[most] ?? -1);
    expect(Math.max(...times)).toBeLessThan(WORKS_AGAIN);
  });
});
