import { expect, inject, test } from 'vitest';
import { createClient } from 'wsproxy-client';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { byConnect, bySocks5 } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { exchange, startPartner } from 'wsproxy-test-support/traffic';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { type GatedWay, WayGate } from './way-gate.js';

/** `MIB=1024 KILLS=100` is the whole of it. */
const { MIB = 32, KILLS: SET_KILLS = 12 } = inject('efforts');
const KILLS = Number(SET_KILLS);
const CHANNELS = 4;
const EACH_WAY = Math.floor((Number(MIB) * 2 ** 20) / CHANNELS);
/** What passes in turn, each for as many kills. */
const TURNS: readonly GatedWay[] = ['WebSocket', 'HTTP', 'WebSocket over HTTP/2', 'WebSocket'];

test('a session moves from WebSocket to HTTP, HTTP/2 and back while transfers run and its transports are killed', {
  timeout: 60_000 + KILLS * 5_000,
}, async () => {
  const { cert, key } = await makeCertificate(temporaryFolder(), 'DNS:localhost', 1);
  const { server, port: serverPort } = await startServer({ tls: { cert, key } });
  const gate = new WayGate(serverPort, { cert, key });
  const relay = await new CuttingRelay(await gate.start()).start();
  const ended: string[] = [];
  const log = (_: object, message: string): void => {
    if (message === 'session ended') ended.push(message);
  };
  const logger = { debug: () => {}, info: log, warn: log, error: log };
  const client = createClient({ url: `wss://localhost:${relay.port}/`, token: TOKEN, ca: cert, logger });
  atEnd(() => client.close());
  await client.start();
  const { address } = await client.listen({ port: 0 });
  const partner = await startPartner();

  let passed = 0;
  relay.onBytes = (_, bytes) => {
    passed += bytes;
  };
  const transfers = Promise.all(
    Array.from({ length: CHANNELS }, (_, n) =>
      exchange(n % 2 === 0 ? bySocks5 : byConnect, address.port, partner.port, {
        ...{ kind: 'both', seed: `moved ${n}`, up: EACH_WAY, down: EACH_WAY, pause: 0 },
      }),
    ),
  );
  // All that the transfers have passes the relay, and what is said again: each kill finds them under way.
  const step = (2 * CHANNELS * EACH_WAY) / (KILLS + 1);
  const carriers: (string | undefined)[] = [];
  const killAll = async (): Promise<void> => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const due = passed + step;
      await until(`kill ${kill} is due`, () => passed >= due);
      carriers.push(server.sessions()[0]?.way);
      gate.allowed = TURNS[Math.floor(((kill + 1) * TURNS.length) / (KILLS + 1))] ?? 'WebSocket';
      const { resumes } = client.status();
      relay.cut(kill % 2 === 0 ? 'reset' : 'end');
      await until(`it is back after kill ${kill}`, () => client.status().resumes > resumes);
    }
    carriers.push(server.sessions()[0]?.way);
  };
  await Promise.all([transfers, killAll()]);
  expect(carriers.filter((way, n) => way !== carriers[n - 1])).toEqual(TURNS);
  expect(ended).toEqual([]);
  expect(server.sessionCount).toBe(1);
});
