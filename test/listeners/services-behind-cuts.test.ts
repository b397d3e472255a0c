import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseSeed } from 'wsproxy-test-support/dice';
import { effort } from 'wsproxy-test-support/engine/effort';
import { keystreamBytes, sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { start } from 'wsproxy-test-support/programs/command-line';
import { startFarEnd, startListening, urlOf } from 'wsproxy-test-support/programs/listening';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { type Cut, startCuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { connectionsTo } from 'wsproxy-test-support/sockets/kernel-sockets';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { PROGRAMS, type Service, startServices } from './services.js';

const KILLS = effort('KILLS', 10);
/** Of 25, one is a silence, which somebody has to notice first. */
const KINDS = Array.from({ length: KILLS }, (_, n): Cut => (n % 25 === 24 ? 'silence' : n % 2 === 0 ? 'reset' : 'end'));
/** Bytes that pass between two kills, and those of a file: nothing is ever idle when it is struck. */
const BETWEEN = 500_000;
const LENGTH = 1_000_000;

/** Services, and the ports at the server that lead to them. */
async function startForwarded() {
  const services = await startServices();
  const ports: number[] = [];
  while (ports.length < services.length) ports.push(await freePort());
  const forwards = services.map(({ port }, n) => `${ports[n]}:127.0.0.1:${port}`);
  return { services, ports, forwards };
}

/** A file to and fro, and its every byte. */
async function expectExact(service: Service, port: number, seed: string, length: number): Promise<void> {
  const folder = temporaryFolder();
  const [source, copy] = [join(folder, 'source'), join(folder, 'copy')];
  writeFileSync(source, keystreamBytes(seed, length));
  expect(await service.use(port, source, copy)).toMatchObject({ code: 0, stderr: '' });
  expect(await sha256OfFile(copy)).toBe(await sha256OfKeystream(seed, length));
}

describe('sshd, nginx and PostgreSQL behind -R', () => {
  for (const program of PROGRAMS) skipUnlessInstalled(program);

  test(
    `serve ssh, curl and psql at the server byte for byte, while the WebSocket is killed ${KILLS} times`,
    async (context) => {
      const seed = chooseSeed();
      await context.annotate(`WSPROXY_SEED=${seed}`);
      const [{ services, ports, forwards }, server] = await Promise.all([
        startForwarded(),
        start('wsproxy-server', ['--reverse']),
      ]);
      const relay = await startCuttingRelay({ to: server.port, every: BETWEEN, kinds: KINDS });
      const client = await startListening(urlOf(relay), forwards);
      let rounds = 0;
      do {
        rounds += 1;
        await Promise.all(
          services.map((service, n) => expectExact(service, ports[n] ?? 0, `${seed} ${n} ${rounds}`, LENGTH)),
        );
      } while (relay.cuts < KILLS);
      expect(client.stderr.match(/"connected to the server"/g)?.length).toBeGreaterThan(KILLS);
      expect(client.stderr).not.toMatch(/"session ended"/);
      console.log(`${rounds * services.length} files of ${LENGTH} bytes each way through ${relay.cuts} kills`);
    },
    60_000 + KILLS * 2_000,
  );

  test('serve anyone who comes while the client is away when it is back', async () => {
    const [{ services, ports, forwards }, { server, relay, url }] = await Promise.all([
      startForwarded(),
      startFarEnd(),
    ]);
    await startListening(url, forwards);
    await relay.stop();
    await server.program.untilStderr(/"session detached"/);
    let served = 0;
    const all = Promise.all(
      services.map(async (service, n) => {
        await expectExact(service, ports[n] ?? 0, `away ${n}`, 10_000);
        served += 1;
      }),
    );
    all.catch(() => {});
    await until('each of them is connected', () => ports.every((port) => connectionsTo(port) === 1));
    expect(served).toBe(0);
    await relay.start();
    await all;
  });
});
