import { setTimeout as pause } from 'node:timers/promises';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { until } from 'wsproxy-test-support/until';
import type { Ends, Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const MIB = 1024 * 1024;
const STREAMS = 20;
const BACK_IN = 60_000;

/** Exchanges of up to a megabyte, with something to wait for in between. */
function some(lab: Lab) {
  return { kind: 'both', up: lab.dice.between(0, MIB), down: lab.dice.between(0, MIB), pause: 5 } as const;
}

/** Opens and closes a black hole again and again; bytes must pass whenever it is closed. */
async function blackHoles(lab: Lab, ends: Ends, rounds: number, hold: () => void, on: number, off: number) {
  const { client, relay, proxy } = ends;
  const stop = lab.keepBusy(proxy, STREAMS, () => some(lab));
  for (let round = 0; round < rounds; round++) {
    lab.status = `black hole ${round + 1} of ${rounds}`;
    hold();
    await pause(on);
    relay.release();
    await lab.recovery('black hole', client, { cut: false, within: BACK_IN });
    await pause(off);
  }
  for (const error of await stop()) lab.fail(error);
  lab.figure('transports', relay.accepted);
  await lab.expectIntact();
  await lab.settle(ends);
}

async function outlastGrace(lab: Lab): Promise<void> {
  const [grace, outage, streams] = lab.size([60, 70, 100], [2, 3, 10]);
  const args = ['--grace', `${grace}s`];
  const ends = await lab.startTunnel({ server: args, client: args });
  const echo = await startEcho();
  const endings: string[] = [];
  for (let n = 0; n < streams; n++) {
    const socket = await bySocks5(ends.proxy, '127.0.0.1', echo.port);
    socket.write('hello');
    await readBytes(socket, 5);
    void readToEnd(socket).then(({ by }) => endings.push(by));
  }
  lab.status = `an outage of ${outage} s`;
  await ends.relay.stop();
  await pause((grace * 1000) / 2);
  await lab.expect('nothing is reset before the grace is over', endings.length === 0);
  await pause((outage - grace / 2) * 1000);
  await lab.expect('the grace is over for everybody', endings.length === streams);
  await ends.relay.start();
  const back = performance.now();
  await until('a new request is served', () => lab.isServed(ends.proxy), BACK_IN);
  lab.note({ kind: 'after the grace', time: performance.now() - back });
  lab.figure('resets', endings.filter((by) => by === 'reset').length);
  await lab.expect('every connection is reset once', endings.join() === Array(streams).fill('reset').join());
  await until('the destinations are rid of their connections', () => echo.sockets.size === 0, BACK_IN);
  await lab.settle(ends);
}

/** A changed byte on plain ws is what TCP's checksum let through: it may reach the application, or end the session. */
async function changeBytes(lab: Lab): Promise<void> {
  // A session that one end has given up may wait at the other one, which has not heard of it, for its whole grace.
  const ends = await lab.startTunnel({ client: ['--grace', '10s'] });
  const { relay, client, proxy } = ends;
  const rounds = lab.size(100, 10);
  for (let round = 0; round < rounds; round++) {
    lab.status = `changed byte ${round + 1} of ${rounds}`;
    const { welcomes } = client;
    relay.conditions = { corruptAt: lab.dice.between(600, 200_000) };
    relay.cut('reset');
    await until('the client is back', () => client.welcomes > welcomes, BACK_IN);
    const agreed = { kind: 'both', up: MIB / 4, down: MIB / 4, pause: 0 } as const;
    // Which of them it is depends on the place of the byte.
    await lab.exchange(proxy, agreed).catch((error: unknown) => lab.history.note('told', { error: String(error) }));
    relay.conditions = {};
  }
  await until('a good path is all that it takes', () => lab.isServed(proxy), BACK_IN);
  // An end that has given up the session may be the only one that knows, until the grace is over.
  await until('every connection is over at both ends', () => lab.books.isComplete, BACK_IN);
  const { lost, duplicated, reordered, corrupted, resets } = lab.books.balance();
  lab.figure('changed bytes that arrived', corrupted);
  lab.figure('resets', resets);
  await lab.expect('no byte is lost without a reset, doubled or late', lost + duplicated + reordered === 0);
  await lab.expect('both ends live', client.isAlive && ends.server.isAlive);
  await lab.settle(ends);
}

export const outages: readonly Scenario[] = [
  {
    id: 'S3',
    title: 'a black hole, 5 s on and 2 s off, for 2 minutes, 20 streams',
    hostile: ['J3'],
    run: async (lab) => {
      const ends = await lab.startTunnel();
      await blackHoles(
        lab,
        ends,
        lab.size(17, 2),
        () => ends.relay.hold(),
        lab.size(5_000, 1_000),
        lab.size(2_000, 300),
      );
    },
  },
  {
    id: 'S3h',
    title: 'a black hole in one direction only, 4 s on and 2 s off, up and down in turn',
    run: async (lab) => {
      const ends = await lab.startTunnel();
      let round = 0;
      const hold = (): void => ends.relay.hold(round++ % 2 === 0 ? 'up' : 'down');
      await blackHoles(lab, ends, lab.size(10, 2), hold, lab.size(4_000, 1_000), lab.size(2_000, 300));
    },
  },
  { id: 'S4', title: 'an outage that outlasts the grace of 60 s by 10 s', run: outlastGrace },
  {
    id: 'J7',
    title: 'a round trip of 1.5 s with jitter, in pieces of 1000 bytes, at 1 Mbit/s: nothing is taken for dead',
    hostile: ['J7'],
    run: async (lab) => {
      const ends = await lab.startTunnel();
      ends.relay.conditions = { latency: 700, jitter: 100, bandwidth: 125_000, slice: 1_000 };
      const before = ends.relay.accepted;
      const length = lab.size(2 * MIB, 200_000);
      await lab.exchange(ends.proxy, { kind: 'both', up: length, down: length, pause: 0 });
      lab.figure('transports', ends.relay.accepted);
      await lab.expect('there was one transport', ends.relay.accepted === before);
      ends.relay.conditions = {};
      await lab.expectIntact();
      await lab.settle(ends);
    },
  },
  { id: 'J13', title: 'one byte of each transport changed on plain ws, 100 times', hostile: ['J13'], run: changeBytes },
];
