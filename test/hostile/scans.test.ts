import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ServerOptions } from 'wsproxy-server';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { askSocks5 } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { type Answer, startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';

const HOST = '127.0.0.1';
/** So few that a slow machine, too, fails faster. */
const BURST = 10;
const PER_SECOND = 1;
const HAS_ADDRESS: Answer = { records: [{ value: HOST }] };
const TOKENS = { alice: 'a'.repeat(40), mallory: 'm'.repeat(40) };

/** A server with two users, that says how many of mallory's dials have failed, and when there were more than there may be. */
async function startWatched(options: Partial<ServerOptions> = {}) {
  const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
  let failed = 0;
  const [excesses, hits, warnings]: [string[], string[], object[]] = [[], [], []];
  const start = performance.now();
  const { port } = await startServer({
    limits: { failedDialsBurst: BURST, failedDialsPerSecond: PER_SECOND },
    users: [
      { id: 'alice', tokenSha256: sha256(TOKENS.alice) },
      { id: 'mallory', tokenSha256: sha256(TOKENS.mallory) },
    ],
    logger: {
      ...{ debug() {}, info() {}, error() {} },
      warn: (fields: object) => warnings.push(fields),
    },
    observer: {
      onLimit: (limit) => hits.push(limit),
      onChannelOver: ({ user, connected }) => {
        if (user !== 'mallory' || connected) return;
        failed += 1;
        const most = BURST + ((performance.now() - start) * PER_SECOND) / 1_000;
        if (failed > most) excesses.push(`${failed} where there may be ${most}`);
      },
    },
    ...options,
  });
  const enter = (user: keyof typeof TOKENS) => startClient(port, { token: TOKENS[user] });
  return { enter, excesses, hits, warnings, failed: () => failed };
}

/** The replies, and how many there are of each. */
async function ask(port: number, targets: readonly (readonly [host: string, port: number])[]) {
  const counts: Record<number, number> = {};
  await Promise.all(
    targets.map(async ([host, targetPort]) => {
      const [reply, socket] = await askSocks5(port, host, targetPort);
      socket.destroy();
      counts[reply] = (counts[reply] ?? 0) + 1;
    }),
  );
  return counts;
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

describe('what a user dials in vain', () => {
  test('in two sessions, mixed with what succeeds, is held to one rate, and answered honestly', async () => {
    const [echo, closed, server] = [await startEcho(), await freePort(), await startWatched()];
    const sessions = [await server.enter('mallory'), await server.enter('mallory')];
    const targets = times(14, (i) => [HOST, i % 2 === 0 ? closed : echo.port] as const);
    const counts = await Promise.all(sessions.map(({ port }) => ask(port, targets)));
    expect(counts).toEqual([
      { 0: 7, 5: 7 },
      { 0: 7, 5: 7 },
    ]);
    expect([server.failed(), server.excesses]).toEqual([14, []]);
    expect(server.hits).toContain('failedDialsPerSecond');
    const told = { limit: 'failedDialsPerSecond', value: PER_SECOND, user: 'mallory' };
    expect(server.warnings.filter((line) => 'limit' in line)).toEqual([told]);
  });

  test('by names that do not exist is held to it, no matter what becomes of others', async () => {
    const nameserver = await startNameserver((name) => (name.startsWith('no-') ? 'NXDOMAIN' : HAS_ADDRESS));
    const server = await startWatched({ egress: { nameservers: [nameserver.address] } });
    const [echo, { port }] = [await startEcho(), await server.enter('mallory')];
    const names = times(24, (i) => [`${i % 2 === 0 ? 'no' : 'yes'}-${i}.example`, echo.port] as const);
    expect(await ask(port, names)).toEqual({ 0: 12, 4: 12 });
    expect(server.excesses).toEqual([]);
  });

  test('by names with many addresses counts each address', async () => {
    const records = times(6, (i) => ({ value: `127.0.0.${i + 2}` }));
    const nameserver = await startNameserver(() => ({ records }));
    const server = await startWatched({ egress: { nameservers: [nameserver.address] } });
    const [closed, { port }] = [await freePort(), await server.enter('mallory')];
    // Six, twelve, and one that waits.
    for (const name of ['one.example', 'two.example', 'three.example']) {
      expect(server.hits).toEqual([]);
      expect(await ask(port, [[name, closed]])).toEqual({ 5: 1 });
    }
    expect(server.hits).toContain('failedDialsPerSecond');
  });

  test('is in the way of no other user, and connections that succeed are not counted', async () => {
    const [echo, closed, server] = [await startEcho(), await freePort(), await startWatched()];
    const [mallory, alice] = [await server.enter('mallory'), await server.enter('alice')];
    const scan = ask(
      mallory.port,
      times(14, () => [HOST, closed] as const),
    );
    expect(
      await ask(
        alice.port,
        times(20, () => [HOST, echo.port] as const),
      ),
    ).toEqual({ 0: 20 });
    // Those of mallory still wait.
    expect(server.failed()).toBeLessThan(14);
    expect(await scan).toEqual({ 5: 14 });
    expect(server.excesses).toEqual([]);
  });

  test('counts when it is given up before the answer', async () => {
    const [start, excesses]: [number, number[]] = [performance.now(), []];
    let dials = 0;
    const dialer = () => {
      dials += 1;
      if (dials > BURST + ((performance.now() - start) * PER_SECOND) / 1_000) excesses.push(dials);
      return new Promise<never>(() => {});
    };
    const { enter } = await startWatched({ dialer });
    const { client } = await enter('mallory');
    const giveUp = async () => {
      const over = new AbortController();
      const opening = client.connect({ host: 'a.example', port: 1 }, { signal: over.signal });
      setImmediate(() => over.abort());
      await opening.catch(() => {});
    };
    for (let i = 0; i < 30; i += 1) await giveUp();
    expect(dials).toBeGreaterThanOrEqual(BURST);
    expect(excesses).toEqual([]);
  });
});
