import { expect, test } from 'vitest';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import { byConnect, bySocks5 } from 'wsproxy-test-support/sockets/application';
import { chooseExchange, converse, exchange, startPartner } from 'wsproxy-test-support/traffic';

const LIFE = 2_000;
const DURATION = 20_000;
const CHANNELS = 20;

test('a proxy that cuts every WebSocket after 2 s costs resumes, and nothing else', async (context) => {
  const seed = chooseSeed();
  await context.annotate(`WSPROXY_SEED=${seed}`);
  const dice = new Dice(seed);
  const [{ relay, port, server }, partner] = await Promise.all([startRelayedTunnel(), startPartner()]);
  const timers = new Set<NodeJS.Timeout>();
  const limitLife = (connection: { cut(kind: 'end'): void }): void => {
    timers.add(setTimeout(() => connection.cut('end'), LIFE));
  };
  for (const connection of relay.connections) limitLife(connection);
  relay.onConnection = limitLife;

  const start = performance.now();
  const isOver = () => performance.now() - start > DURATION;
  const transfer = async (n: number): Promise<void> => {
    while (!isOver()) await exchange(bySocks5, port, partner.port, chooseExchange(dice, 'both', `${seed} ${n}`));
  };
  // However slow the machine is: the most transports that one answer has taken to come.
  let [known, most] = [relay.accepted, 0];
  const isLast = (): boolean => {
    most = Math.max(most, relay.accepted - known);
    known = relay.accepted;
    return isOver();
  };
  const talk = { ...chooseExchange(dice, 'echo', seed), pause: 20 };
  const [times] = await Promise.all([
    converse(byConnect, port, partner.port, talk, isLast),
    ...Array.from({ length: CHANNELS }, (_, n) => transfer(n)),
  ]);
  for (const timer of timers) clearTimeout(timer);

  times.sort((a, b) => a - b);
  const worst = times.at(-1) ?? 0;
  console.log(
    `${relay.accepted} transports in ${DURATION / 1000} s; echo median ${times[times.length >> 1]?.toFixed(0)} ms, ` +
      `worst ${worst.toFixed(0)} ms; seed ${seed}`,
  );
  expect(relay.accepted).toBeGreaterThan(DURATION / LIFE / 2);
  // The one that it was asked on, cut at once, and the one that brings it.
  expect(most).toBeLessThanOrEqual(2);
  expect(worst).toBeLessThan(LIFE);
  expect(server.sessionCount).toBe(1);
});
