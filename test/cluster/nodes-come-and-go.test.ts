import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { Dice } from 'wsproxy-test-support/dice';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { byConnect, bySocks5 } from 'wsproxy-test-support/sockets/application';
import { chooseExchange, converse, exchange, startPartner } from 'wsproxy-test-support/traffic';
import { until } from 'wsproxy-test-support/until';
import { BALANCERS, skipUnlessBalances } from './balancers.js';
import { startBehind } from './behind.js';

const CLIENTS = 6;
/** So many exchanges are over between two changes. */
const BETWEEN = 30;

describe.each(Object.entries(BALANCERS))('behind %s', (program, start) => {
  skipUnlessBalances(program);
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('curl');

  test('no connection notices that the balancer is reloaded, and a node added and removed', async () => {
    const [{ nodes, balancer, addNode, startClient }, partner] = await Promise.all([
      startBehind(start, { way: 'as shipped', names: ['one', 'two'], knowEachOther: true }),
      startPartner(),
    ]);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => startClient()));
    const dice = new Dice(`changes behind ${program}`);
    let [done, isTalkOver, isOver] = [0, false, false];
    const traffic = Promise.all(
      clients.flatMap(({ port }, n) => {
        const way = n % 2 === 0 ? bySocks5 : byConnect;
        const next = (kind: 'both' | 'after' | 'echo') => chooseExchange(dice, kind, `${program} ${n} ${done++}`);
        const run = async (kind: 'both' | 'after'): Promise<void> => {
          while (!isOver) await exchange(way, port, partner.port, next(kind));
        };
        return [run('both'), run('after'), converse(way, port, partner.port, next('echo'), () => isTalkOver)];
      }),
    );
    // What fails ends the test at once, and is told below.
    traffic.catch(() => {
      isTalkOver = isOver = true;
    });
    atEnd(() => {
      isTalkOver = isOver = true;
    });
    const moved = async (): Promise<void> => {
      const before = done;
      await until('more is done', () => isOver || done > before + BETWEEN, 30_000);
    };
    await moved();
    await balancer.setNodes(['one', 'two']);
    await moved();
    await addNode('three');
    await balancer.setNodes(['one', 'two', 'three']);
    await moved();
    // The sessions of `two` are handed on to it by the others.
    await balancer.setNodes(['one', 'three']);
    await moved();
    // What is said back and forth has no end of its own, and a node waits for it no longer than --drain.
    isTalkOver = true;
    const two = nodes.get('two')?.program;
    two?.signal('SIGTERM');
    expect(await two?.ended).toMatchObject({ code: 0 });
    expect(two?.stderr).not.toMatch(/connections were cut/);
    await moved();
    isOver = true;
    await traffic;
    console.log(`${done} exchanges`);
  });
});
