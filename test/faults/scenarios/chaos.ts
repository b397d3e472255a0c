import { setTimeout as pause } from 'node:timers/promises';
import { Dice } from 'wsproxy-test-support/dice';
import { bySocks5 } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { startPartner } from 'wsproxy-test-support/traffic';
import { until } from 'wsproxy-test-support/until';
import { Carriers } from '../lab/carriers.js';
import { type Fleet, type Place, startFleet } from '../lab/fleet.js';
import { atRest, type Ends, type Lab } from '../lab/lab.js';
import { MixedLoad } from '../lab/mixed-load.js';
import { RemotePort } from '../lab/remote-port.js';
import { type Strike, strikesOn } from '../lab/strikes.js';
import type { Scenario } from '../scenario.js';

/** Applications at work at a time. */
const STREAMS = 40;
/** Of every transport, each way, bytes a second: there is always something under way, and the machine has time to spare. */
const BANDWIDTH = 600_000;
/** Between two strikes, ms. */
const BETWEEN = [300, 1_700] as const;
const BACK_IN = 60_000;
/** Longer than any fault, and no longer than the ends have at last to let go of what they hold. */
const GRACE = '30s';

/** Something of these kinds happens every second or so, here or there, until the time is over; gives how often what did. */
async function strike(lab: Lab, fleet: Fleet, ms: number, kinds?: readonly string[]): Promise<Record<string, number>> {
  const dice = new Dice(`${lab.seed} strikes`);
  const strikes = Object.entries(strikesOn(fleet, dice)).filter(([kind]) => kinds?.includes(kind) ?? true);
  // Each kind before any comes again, as far as it can be had.
  const bag: [string, Strike][] = [];
  const counts: Record<string, number> = {};
  const lasting = new Map<Place, Promise<void>>();
  const inflict = async (kind: string, strike: Strike, place: Place): Promise<void> => {
    counts[kind] = (counts[kind] ?? 0) + 1;
    lab.history.note('fault', { kind, place: place.address });
    try {
      await strike.inflict(place);
    } catch (error) {
      lab.fail(`${kind}: ${error}`);
    }
    lab.history.note('fault is over', { kind, place: place.address });
    if (strike.lasts) lasting.delete(place);
  };
  const start = performance.now();
  for (let left = ms; left > 0; left = ms - (performance.now() - start)) {
    const struck = Object.values(counts).reduce((sum, count) => sum + count, 0);
    lab.status = `${struck} faults, ${Math.round(left / 1000)} s to go`;
    await pause(Math.min(left, dice.between(...BETWEEN)));
    // Rather where something is under way.
    const inUse = fleet.places.filter(({ relay }) => relay.connections.size > 0);
    const place = dice.shuffle([...fleet.places, ...inUse])[0] ?? fleet.places[0];
    // One place is always there.
    const mayLast = lasting.size < fleet.places.length - 1 && !lasting.has(place);
    const at = bag.findIndex(([, { lasts }]) => mayLast || !lasts);
    if (at < 0) bag.push(...dice.shuffle(strikes));
    for (const [kind, strike] of at < 0 ? [] : bag.splice(at, 1)) {
      const over = inflict(kind, strike, place);
      if (strike.lasts) lasting.set(place, over);
    }
  }
  lab.status = 'what has begun comes to its end';
  await Promise.all(lasting.values());
  return counts;
}

/** Also what has not changed is told, such as the port at a server that was started again. */
const LISTENING = ['--log-level', 'debug', '-R'];

interface Setting {
  readonly servers: number;
  readonly secure: boolean;
  /** Half of the applications are not at the client, but where it listens: at one of the servers. */
  readonly bothEnds?: boolean;
}

/** Everything at once: several servers, each behind paths and proxies that break, drained, stopped and killed in turn. */
async function chaos(lab: Lab, { servers, secure, bothEnds = false }: Setting): Promise<void> {
  const minutes = lab.minutes ?? lab.size(10, 1 / 3);
  const port = await freePort();
  const fleet = await startFleet(lab, {
    servers,
    secure,
    // Sessions whose client never saw the answer to HELLO are kept for as long, and drains wait.
    client: ['--connections', '2', '--grace', GRACE, ...(bothEnds ? [...LISTENING, `0:127.0.0.1:${port}`] : [])],
    server: ['--max-sessions-per-user', '1000', '--drain', '5m', ...(bothEnds ? ['--reverse'] : [])],
  });
  const { client, places } = fleet;
  const [first] = places;
  const remote = bothEnds ? new RemotePort(lab, fleet) : undefined;
  await lab.expect('a first request is served', lab.isServed(client.port));
  await remote?.untilAt(first);
  const before = { client: await atRest(client), server: await atRest(first.server) };
  client.forgetPeak();
  for (const { relay } of places) relay.conditions = { bandwidth: BANDWIDTH };
  const carriers = new Carriers(lab, places);
  const onExchange: typeof carriers.onExchange = (agreed, from) => carriers.onExchange(agreed, from);
  await startPartner(carriers.atDestinations, { port, onExchange });

  const load = new MixedLoad(lab, carriers, {
    name: 'out',
    count: bothEnds ? STREAMS / 2 : STREAMS,
    connect: () => bySocks5(client.port, '127.0.0.1', port),
  });
  const incoming =
    remote &&
    new MixedLoad(lab, carriers, {
      name: 'in',
      count: STREAMS / 2,
      connect: (seed) => remote.connect((place) => carriers.arrive(seed, place)),
    });
  const counts = await strike(lab, fleet, minutes * 60_000);
  for (const { relay } of places) relay.conditions = {};
  lab.status = 'the rest of the bytes';
  await Promise.all([load.stop(), incoming?.stop()]);
  await until('everything that was sent has arrived', () => lab.books.isComplete, BACK_IN);

  lab.figure('servers', servers);
  lab.figure('connections', load.begun);
  lab.figure('not served', load.refused);
  if (remote !== undefined && incoming !== undefined) {
    lab.figure('connections to the client', incoming.begun);
    lab.figure('nobody listened', incoming.refused);
    lab.figure('reset before they were served', carriers.unserved);
    lab.figure('ports', remote.moves);
  }
  lab.figure('reset by a kill', carriers.excused.resets);
  lab.figure('destinations that saw an end', carriers.excused.ends);
  for (const [kind, count] of Object.entries(counts).sort()) lab.figure(kind, count);
  const { bytes, lost, duplicated, reordered, corrupted } = lab.books.balance();
  await lab.expect('bytes have passed', bytes > 0);
  await lab.expect('nothing is lost, doubled, late or changed', lost + duplicated + reordered + corrupted === 0);
  // Those that a killed server was asked for are refused, since nobody knows whether it had dialled.
  if (lab.effort === 'full') await lab.expect('99 of 100 others are served', load.unexcused <= load.begun / 100);
  // One may have been with the system just when its server has ceased to listen.
  await lab.expect('whoever has come is served', carriers.unserved <= 1 + (incoming?.begun ?? 0) / 1_000);
  await settle(lab, fleet, before);
  await remote?.untilAt(first);
}

/** Anyone who has nothing left to do goes at once; the client finds the way to the first. */
async function settle(lab: Lab, { client, places }: Fleet, before: Ends['before']): Promise<void> {
  const [first, ...others] = places;
  for (const { server } of others) {
    server.program.signal('SIGTERM');
    await lab.expect(
      'an idle server exits with 0',
      server.program.ended.then(({ code }) => code === 0),
    );
  }
  await lab.expect('the first server serves', lab.isServed(client.port));
  await lab.settle({ client, server: first.server, before });
}

/** What a proxy on the way does to connections, and what ends no server. */
const CUTS = ['reset', 'end', 'close code', 'away'];
/** What the system holds of it has left the destination when it resets. */
const LAST_WORDS = 50_000;
/** What a client of two connections may hold in all its sessions (docs/architecture.md, "Bounds"), and Node by itself, MiB. */
const PEAK = 600;

/** A proxy cuts anything that it can; no application and no destination may notice any of it. */
async function cut(lab: Lab): Promise<void> {
  const minutes = lab.minutes ?? lab.size(10, 1 / 4);
  const channels = lab.size(200, 40);
  const fleet = await startFleet(lab, {
    servers: 2,
    secure: false,
    // Cuts in a greeting leave sessions that no client knows. They are kept for as long, and are to take no other's place.
    client: ['--connections', '2', '--grace', GRACE],
    server: ['--max-sessions-per-user', '1000'],
  });
  const { client, places } = fleet;
  await lab.expect('a first request is served', lab.isServed(client.port));
  const before = { client: await atRest(client), server: await atRest(places[0].server) };
  client.forgetPeak();
  let [requests, resets] = [0, 0];
  const { dice } = lab;
  const pauses = () => {
    requests += 1;
    return dice.between(100, 400);
  };
  const loads = [
    lab.keepBusy(client.port, channels, () => ({
      kind: 'both',
      up: 0,
      down: dice.between(0, 400_000),
      pause: pauses(),
    })),
    lab.keepBusy(client.port, channels, () => ({
      kind: 'both',
      up: dice.between(0, 400_000),
      down: 0,
      pause: pauses(),
    })),
    lab.keepBusy(client.port, channels / 10, () => {
      resets += 1;
      return { kind: 'last words', up: dice.between(0, 20_000), down: dice.between(1, LAST_WORDS), pause: pauses() };
    }),
  ];
  const counts = await strike(lab, fleet, minutes * 60_000, CUTS);
  lab.status = 'the rest of the bytes';
  const errors = (await Promise.all(loads.map((stop) => stop()))).flat();
  // A request that is told that there is no way has carried nothing; anything that was begun has to come to its end.
  const begun = errors.filter((error) => !error.includes('SOCKS5 reply'));
  for (const error of begun) lab.fail(error);
  const refused = errors.length - begun.length;
  await until('everything that was sent has arrived', () => lab.books.isComplete, BACK_IN);

  lab.figure('channels each way', channels);
  lab.figure('connections', requests);
  lab.figure('not served', refused);
  lab.figure('last words', resets);
  for (const [kind, count] of Object.entries(counts).sort()) lab.figure(kind, count);
  const balance = lab.books.balance();
  await lab.expect('bytes have passed', balance.bytes > 0);
  const { lost, duplicated, reordered, corrupted } = balance;
  await lab.expect('nothing is lost, doubled, late or changed', lost + duplicated + reordered + corrupted === 0);
  await lab.expect('nobody sees a reset but behind last words', balance.resets <= resets);
  await lab.expect('all last words are followed by one', balance.resets >= resets - refused);
  // Those whose session could not be resumed for longer than a request waits.
  if (lab.effort === 'full') await lab.expect('999 of 1,000 are served', refused <= requests / 1_000);
  await settle(lab, fleet, before);
  if (process.platform === 'linux') {
    const { client: peak = Number.NaN } = lab.outcome().peakMemory ?? {};
    await lab.expect(`the client needs less than ${PEAK} MiB`, peak < PEAK);
  }
}

export const chaoses: readonly Scenario[] = [
  {
    id: 'S23',
    title: 'ten minutes of chaos between a client and three servers: cut, silent, closed, drained, stopped, killed',
    run: (lab) => chaos(lab, { servers: 3, secure: false }),
  },
  {
    id: 'S23t',
    title: 'the same on wss, with the TLS that the servers have built in',
    programs: ['openssl'],
    run: (lab) => chaos(lab, { servers: 3, secure: true }),
  },
  {
    id: 'S26',
    title: 'the same between a client and two servers, and half of the connections come to its -R at one of them',
    run: (lab) => chaos(lab, { servers: 2, secure: false, bothEnds: true }),
  },
  {
    id: 'S24',
    title:
      '200 channels each way and last words for 10 minutes, behind a proxy that cuts, between a client and two servers',
    run: cut,
  },
];
