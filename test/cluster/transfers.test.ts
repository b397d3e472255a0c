import { describe, expect, inject, test } from 'vitest';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { byConnect, bySocks5 } from 'wsproxy-test-support/sockets/application';
import { exchange, startPartner } from 'wsproxy-test-support/traffic';
import { BALANCERS, skipUnlessBalances, type Way } from './balancers.js';
import { cutEvery, startBehind } from './behind.js';
import { NAMES } from './nodes.js';

/** `KILLS=100` makes it 1 GiB each way. */
const KILLS = Number(inject('efforts').KILLS ?? 6);
/** More than nodes: where all come back at once, as many would each come to the same node again, by round robin. */
const CLIENTS = 4;
const EACH_WAY = Math.floor((KILLS * 2 ** 30) / 100 / CLIENTS);
/** Where the nodes know nothing of each other, each transport must come to the right one. */
const WAYS: readonly (readonly [Way, knowEachOther: boolean])[] = [
  ['header', false],
  ['cookie', false],
  ['round robin', true],
];

describe.each(Object.entries(BALANCERS))('behind %s', (program, start) => {
  skipUnlessBalances(program);
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('curl');

  const transfer = async (way: Way, knowEachOther: boolean): Promise<void> => {
    const [{ nodes, relay, startClient }, partner] = await Promise.all([
      startBehind(start, { way, names: NAMES, knowEachOther }),
      startPartner(),
    ]);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => startClient()));
    // As many bytes pass the relay as all transfers have, and what is said again.
    const cuts = cutEvery(relay, (2 * CLIENTS * EACH_WAY) / (KILLS + 1), KILLS);
    await Promise.all(
      clients.map(({ port }, n) =>
        exchange(n % 2 === 0 ? bySocks5 : byConnect, port, partner.port, {
          ...{ kind: 'both', seed: `${program} ${way} ${n}`, up: EACH_WAY, down: EACH_WAY, pause: 0 },
        }),
      ),
    );
    expect(cuts.length, way).toBe(KILLS);
    const handOns = await Promise.all([...nodes.values()].map((node) => node.handOns()));
    expect(
      handOns.some((count) => count > 0),
      way,
    ).toBe(knowEachOther);
    const sessions = (await Promise.all([...nodes.values()].map((node) => node.sessions()))).flat();
    console.log(
      `${way}: ${sessions.map(({ resumes }) => resumes).join('/')} resumes of ${KILLS} kills, ${handOns.join('/')} handed on`,
    );
    expect(sessions, way).toHaveLength(CLIENTS);
  };

  // All ways at the same time: most of it is waiting for what was lost in silence.
  test('by header, cookie and round robin, transfers both ways go on over every transport that is lost', {
    timeout: 60_000 + KILLS * 15_000,
  }, async () => {
    await Promise.all(WAYS.map(([way, knowEachOther]) => transfer(way, knowEachOther)));
  });
});
