import { setTimeout as pause } from 'node:timers/promises';
import { Program } from 'wsproxy-test-support/programs/program';
import { until } from 'wsproxy-test-support/until';
import type { End } from '../lab/end.js';
import type { Ends, Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const MIB = 1024 * 1024;
const HOUR = 3_600_000;
const STREAMS = 10;
/** Anyone who waits for a server that has lost its memory is told within this time of its return, ms. */
const TOLD_IN = 10_000;
const BACK_IN = 60_000;
/** How long a killed server is away, ms. */
const AWAY = 1_000;

const busy = { kind: 'both', up: MIB, down: MIB, pause: 1 } as const;

async function killServer(lab: Lab): Promise<void> {
  const ends = await lab.startTunnel();
  const { relay, proxy } = ends;
  const rounds = lab.size(20, 2);
  const stop = lab.keepBusy(proxy, STREAMS, () => busy);
  let longest = 0;
  for (let round = 0; round < rounds; round++) {
    lab.status = `kill ${round + 1} of ${rounds}`;
    await pause(lab.dice.between(200, 1_000));
    ends.server.program.signal('SIGKILL');
    await ends.server.program.ended;
    await pause(AWAY);
    ends.server = await lab.restartServer(ends.server.port);
    relay.target = ends.server.port;
    const back = performance.now();
    await until('a new request is served', () => lab.isServed(proxy), BACK_IN);
    const time = performance.now() - back;
    longest = Math.max(longest, time);
    lab.note({ kind: 'killed server', time });
  }
  const errors = await stop();
  // What was under way had to be given up: the state was in the memory of the server.
  await lab.expect('exchanges under way are reset', errors.length > 0 && lab.books.balance().resets > 0);
  await lab.expect(`nobody waits for longer than ${TOLD_IN} ms`, longest < TOLD_IN);
  const { duplicated, reordered, corrupted } = lab.books.balance();
  await lab.expect('nothing comes twice, late or changed', duplicated + reordered + corrupted === 0);
  // The system ends the connections of a process that was killed, and destinations cannot tell that from a right end.
  const [down, up] = [' down', ' up'].map((way) => lab.books.early.filter((seed) => seed.endsWith(way)).length);
  lab.figure('destinations that saw an end', up ?? 0);
  await lab.expect('no application sees an end before its time', down === 0);
  await lab.settle({ ...ends, before: { ...ends.before, server: await ends.server.holdings() } });
}

async function drain(lab: Lab): Promise<void> {
  const ends = await lab.startTunnel({ server: ['--drain', '5m'] });
  const [streams, length] = lab.size([50, 20_000_000], [10, 2_000_000]);
  // So that they are still under way when the server is asked to stop.
  ends.relay.conditions = { bandwidth: lab.size(32, 8) * MIB };
  const agreed = { kind: 'both', up: 0, down: length, pause: 0 } as const;
  const downloads = Array.from({ length: streams }, () => lab.exchange(ends.proxy, agreed));
  const all = Promise.all(downloads);
  await until('they are under way', () => lab.books.balance().bytes > MIB, BACK_IN);
  const asked = performance.now();
  ends.server.program.signal('SIGTERM');
  await all;
  const { code } = await ends.server.program.ended;
  lab.figure('seconds to drain', (performance.now() - asked) / 1000);
  await lab.expect('the server exits with 0', code === 0);
  await lab.expectIntact();
  ends.server = await lab.restartServer(ends.server.port);
  ends.relay.target = ends.server.port;
  const back = performance.now();
  await until('a new request is served', () => lab.isServed(ends.proxy), BACK_IN);
  lab.note({ kind: 'drained server', time: performance.now() - back });
  await lab.settle({ ...ends, before: { ...ends.before, server: await ends.server.holdings() } });
}

/** Traffic goes on while something is done to an end; nothing may be lost, and no more transports made than `atMost`. */
async function whileBusy(lab: Lab, ends: Ends, strike: (end: End, name: string) => Promise<void>): Promise<void> {
  const stop = lab.keepBusy(ends.proxy, STREAMS, () => busy);
  for (const name of ['client', 'server'] as const) await strike(ends[name], name);
  for (const error of await stop()) lab.fail(error);
  lab.figure('transports', ends.relay.accepted);
  await lab.expectIntact();
  await lab.settle(ends);
}

async function setClocks(lab: Lab): Promise<void> {
  const ends = await lab.startTunnel();
  await whileBusy(lab, ends, async (end, name) => {
    for (const shift of [HOUR, -HOUR, 0]) {
      lab.status = `${name} ${shift / HOUR} h off`;
      await end.setClock(shift);
      await lab.flow(`with the clock of the ${lab.status}`, BACK_IN);
      // Long enough for every timer that looks at the clock to have run.
      await pause(lab.size(20_000, 1_500));
      await lab.flow(`later, with the clock of the ${lab.status}`, BACK_IN);
    }
  });
}

async function stopProcesses(lab: Lab): Promise<void> {
  const ends = await lab.startTunnel();
  const seconds = lab.size(60, 3);
  await whileBusy(lab, ends, async (end, name) => {
    lab.status = `${name} stopped for ${seconds} s`;
    end.program.signal('SIGSTOP');
    await pause(seconds * 1000);
    end.program.signal('SIGCONT');
    await lab.recovery(`${name} stopped`, ends.client, { cut: false, within: BACK_IN });
    await pause(lab.size(5_000, 500));
  });
}

async function hogProcessor(lab: Lab): Promise<void> {
  const ends = await lab.startTunnel();
  const before = ends.relay.accepted;
  await whileBusy(lab, ends, async () => {
    lab.status = 'beside programs that take every processor';
    const hogs = Array.from({ length: lab.size(8, 4) }, () => new Program(process.execPath, ['-e', 'for (;;);']));
    await pause(lab.size(30_000, 1_500));
    for (const hog of hogs) {
      hog.signal('SIGKILL');
      await hog.ended;
    }
  });
  await lab.expect('nothing is taken for dead', ends.relay.accepted === before);
}

export const processes: readonly Scenario[] = [
  { id: 'S5', title: 'the server killed 20 times under load, and started again after 1 s', run: killServer },
  { id: 'S6', title: 'SIGTERM to a server with 50 downloads of 20 MB under way', run: drain },
  {
    id: 'S19',
    title: 'the wall clock of either end set an hour ahead and an hour back',
    hostile: ['K8'],
    run: setClocks,
  },
  { id: 'S19s', title: 'either process stopped for 60 s', hostile: ['K5'], run: stopProcesses },
  {
    id: 'K20',
    title: 'eight programs that take all the processor time for a minute',
    hostile: ['K20'],
    run: hogProcessor,
  },
];
