import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createServer } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { bySocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const HOST = '127.0.0.1';
const RATE = 4_000_000;
const TOKENS = { alice: 'a'.repeat(40), bob: 'b'.repeat(40) };

/** Alice is held to RATE each way, Bob to nothing. */
async function startTwoUsers() {
  const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
  const server = createServer({
    allowPrivate: true,
    users: [
      { id: 'alice', tokenSha256: sha256(TOKENS.alice), limits: { bytesPerSecondUp: RATE, bytesPerSecondDown: RATE } },
      { id: 'bob', tokenSha256: sha256(TOKENS.bob) },
    ],
  });
  const { port } = await server.listen({ port: 0 });
  atEnd(() => server.close());
  const alice = await startClient(port, { token: TOKENS.alice });
  const bob = await startClient(port, { token: TOKENS.bob });
  return { alice: alice.port, bob: bob.port };
}

/** Bytes a second that `count` grows by, over 4 s after a second of warm-up. */
async function rateOf(count: () => number): Promise<number> {
  const passed = async (since: number, ms: number) =>
    until('time has passed', () => performance.now() - since >= ms, ms + 5_000);
  await passed(performance.now(), 1_000);
  const [start, before] = [performance.now(), count()];
  await passed(start, 4_000);
  return ((count() - before) / (performance.now() - start)) * 1_000;
}

/** Writes without end. */
function flood(socket: Socket): void {
  const chunk = Buffer.alloc(65_536);
  const write = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', write);
  write();
}

const BULK = 50_000_000;

/** How long a download of BULK takes, ms. */
async function timeOfBulk(port: number, destination: number): Promise<number> {
  const start = performance.now();
  const socket = await bySocks5(port, HOST, destination);
  expect((await readToEnd(socket)).bytes).toBe(BULK);
  socket.destroy();
  return performance.now() - start;
}

test.each(['down', 'up'] as const)(
  "a user's rate %s is held to a twentieth, and another user has what there is",
  async (way) => {
    const { alice, bob } = await startTwoUsers();
    let received = 0;
    const endless = await listen((socket) => {
      if (way === 'down') flood(socket);
      else socket.on('data', (chunk: Buffer) => (received += chunk.length));
    });
    const bulk = await listen((socket) => socket.end(Buffer.alloc(BULK)));
    const alone = await timeOfBulk(bob, bulk.port);
    // Several at a time share the one rate.
    for (let i = 0; i < 4; i++) {
      const socket = await bySocks5(alice, HOST, endless.port);
      if (way === 'up') flood(socket);
      else socket.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
      atEnd(() => socket.destroy());
    }
    const measured = rateOf(() => received);
    const beside = await timeOfBulk(bob, bulk.port);
    const share = (await measured) / RATE;
    console.log(
      `${way}: ${(share * 100).toFixed(1)} % of the rate; another user's download took ${Math.round(beside)} ms, alone ${Math.round(alone)} ms`,
    );
    expect(Math.abs(share - 1)).toBeLessThan(0.05);
    // Alice's traffic costs the same processor a little; at her rate Bob would need 12 s.
    expect(beside).toBeLessThan(Math.max(3 * alone, 3_000));
  },
);
