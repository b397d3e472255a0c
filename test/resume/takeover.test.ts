import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import { bySocks5 } from 'wsproxy-test-support/sockets/application';
import type { RelayedConnection } from 'wsproxy-test-support/sockets/cutting-relay';
import { chooseExchange, exchange, startPartner } from 'wsproxy-test-support/traffic';
import { until } from 'wsproxy-test-support/until';

const CHANNELS = 20;
const TAKEOVERS = 40;
/** Longer than it takes to suspect a silent transport and to have another one, ms. */
const TAKEN_OVER_IN = 15_000;

/** Traffic that goes on until it is told to stop, and then resolves when everything has arrived. */
async function startTraffic(port: number, seed: string): Promise<() => Promise<unknown>> {
  const partner = await startPartner();
  const dice = new Dice(seed);
  let isOver = false;
  const run = async (n: number): Promise<void> => {
    const next = () => ({ ...chooseExchange(dice, 'both', `${seed} ${n} ${dice.between(0, 1e9)}`), pause: 1 });
    while (!isOver) await exchange(bySocks5, port, partner.port, next());
  };
  const all = Promise.all(Array.from({ length: CHANNELS }, (_, n) => run(n)));
  // It is awaited later; should it fail earlier, it must not end the process.
  all.catch(() => {});
  return () => {
    isOver = true;
    return all;
  };
}

/** What was held back on a transport that is given up comes as `release` has it, once another is being opened. */
async function lateWords(release: (old: RelayedConnection) => void): Promise<void> {
  const { relay, port, server } = await startRelayedTunnel();
  const stop = await startTraffic(port, chooseSeed());
  const [old] = relay.connections;
  if (old === undefined) throw new Error('there is no transport');
  old.hold();
  const back = new Promise<void>((resolve) => {
    relay.onConnection = () => resolve();
  });
  const { accepted } = relay;
  await back;
  expect(relay.accepted).toBe(accepted + 1);
  release(old);
  await until('the old one is gone, or has shown life', () => relay.connections.size === 1, TAKEN_OVER_IN);
  await stop();
  expect(server.sessionCount).toBe(1);
}

describe('while an old transport still delivers', () => {
  test('what it brings before, during and after the resume counts once, and nothing is missing', async (context) => {
    const seed = chooseSeed();
    await context.annotate(`WSPROXY_SEED=${seed}`);
    const dice = new Dice(seed);
    let welcomes = 0;
    const onInfo = (_fields: object, message: string) => {
      if (message === 'connected to the server') welcomes += 1;
    };
    const { relay, port, server } = await startRelayedTunnel({ client: { logger: { ...silentLogger, info: onInfo } } });
    const stop = await startTraffic(port, seed);

    for (let n = 0; n < TAKEOVERS; n++) {
      const [old] = relay.connections;
      if (old === undefined) throw new Error('there is no transport');
      const before = welcomes;
      // The client loses it and comes back; the server still has it, and what the client had sent on it is under way.
      old.hold();
      await turn();
      old.near.resetAndDestroy();
      // The upgrade is one piece in each direction, then comes RESUME, then its answer.
      const releaseAt = dice.between(0, 6);
      let pieces = 0;
      const release = (connection: RelayedConnection): void => {
        if (connection === old || pieces++ !== releaseAt) return;
        relay.onBytes = () => {};
        old.release();
      };
      relay.onBytes = release;
      await until('the client is back', () => welcomes > before);
    }
    await stop();
    expect(server.sessionCount).toBe(1);
  });

  // Both at the same time: that a transport is dead takes long to see.
  test('a client that has given it up for dead is not confused by what it says later', async () => {
    await Promise.all([
      lateWords((old) => old.release()),
      lateWords((old) => void setTimeout(() => old.release(), 20)),
    ]);
  }, 60_000);
});
