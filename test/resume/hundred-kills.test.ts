import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import { byConnect, bySocks5 } from 'wsproxy-test-support/sockets/application';
import type { Cut } from 'wsproxy-test-support/sockets/cutting-relay';
import { chooseExchange, converse, exchange, type Kind, startPartner } from 'wsproxy-test-support/traffic';
import { until } from 'wsproxy-test-support/until';

/** How the transport is killed; `restart`: the proxy is away for a moment, too. */
type Kill = Cut | 'restart';

const KILLS: Readonly<Record<Kill, number>> = { reset: 40, end: 40, restart: 16, silence: 4 };
const CHANNELS: Readonly<Record<Exclude<Kind, 'last words'>, number>> = { both: 60, after: 20, echo: 20 };
/** How long a transport lives before it is killed, and how long a proxy is away, ms. */
const LIFE = [0, 300] as const;
const AWAY = [50, 300] as const;
/** Connections are begun as fast as the machine can: how many there may be is not what this is about. */
const OPENS = { failedDialsPerSecond: 100_000, failedDialsBurst: 100_000 };
/** Longer than it takes to suspect a silent transport, ms. */
const BACK_IN = 15_000;

const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

test('J6 a hundred channels do not notice that their transport is killed a hundred times', async (context) => {
  const seed = chooseSeed();
  await context.annotate(`WSPROXY_SEED=${seed}`);
  const dice = new Dice(seed);
  let welcomes = 0;
  const logger = {
    ...silentLogger,
    info: (_fields: object, message: string) => {
      if (message === 'connected to the server') welcomes += 1;
    },
  };
  const [{ relay, ...tunnel }, partner] = await Promise.all([
    startRelayedTunnel({ client: { logger }, server: { limits: OPENS } }),
    startPartner(),
  ]);

  let isOver = false;
  let exchanges = 0;
  const run = async (kind: Kind, n: number): Promise<void> => {
    const way = n % 2 === 0 ? bySocks5 : byConnect;
    const next = () => chooseExchange(dice, kind, `${seed} ${kind} ${n} ${exchanges++}`);
    if (kind === 'echo') await converse(way, tunnel.port, partner.port, next(), () => isOver);
    while (!isOver) await exchange(way, tunnel.port, partner.port, next());
  };
  const traffic = Promise.all(
    Object.entries(CHANNELS).flatMap(([kind, count]) => times(count, (n) => run(kind as Kind, n))),
  );

  const kill = async (kind: Kill): Promise<void> => {
    if (kind !== 'restart') return relay.cut(kind);
    await relay.stop();
    await pause(dice.between(...AWAY));
    await relay.start();
  };
  const outages: { kind: Kill; time: number }[] = [];
  const killAll = async (): Promise<void> => {
    const kinds = Object.entries(KILLS).flatMap(([kind, count]) => times(count, () => kind as Kill));
    for (const kind of dice.shuffle(kinds)) {
      await pause(dice.between(...LIFE));
      const before = welcomes;
      const start = performance.now();
      await kill(kind);
      await until(`a transport is back after ${kind}`, () => welcomes > before, BACK_IN);
      outages.push({ kind, time: performance.now() - start });
    }
    isOver = true;
  };
  await Promise.all([killAll(), traffic]);

  expect(outages).toHaveLength(100);
  expect(exchanges).toBeGreaterThan(200);
  expect(tunnel.server.sessionCount).toBe(1);
  const report = Object.keys(KILLS).map((kind) => {
    const sorted = outages.filter((outage) => outage.kind === kind).map(({ time }) => Math.round(time));
    sorted.sort((a, b) => a - b);
    return `${kind} ${sorted[Math.floor(sorted.length / 2)]}/${sorted.at(-1)}`;
  });
  console.log(`resumed after, median/worst ms: ${report.join(', ')}; ${exchanges} exchanges, seed ${seed}`);
}, 120_000);
