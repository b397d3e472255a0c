import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { keystreamBytes } from 'wsproxy-test-support/keystream';
import { bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { until } from 'wsproxy-test-support/until';
import type { Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const MIB = 1024 * 1024;
const BACK_IN = 120_000;
/** More than the limits of these servers would let one session have. */
const MANY = ['--max-channels-per-session', '16384'];
/** What either end may hold at its peak while nobody reads, MiB: windows, replay, and what Node needs by itself. */
const PEAK = 512;

async function idleStreams(lab: Lab): Promise<void> {
  const ends = await lab.startTunnel({ server: MANY });
  const echo = await startEcho();
  // As many as one process with 20,000 descriptors can be both ends of.
  const [streams, seconds] = lab.size([9_000, 600], [300, 1]);
  const empty = { client: ends.client.memory.now, server: ends.server.memory.now };
  const sockets: Socket[] = [];
  for (let n = 0; n < streams; n++) {
    lab.status = `stream ${n} of ${streams}`;
    sockets.push(await bySocks5(ends.proxy, '127.0.0.1', echo.port));
  }
  const processorTime = () => ends.client.processorTime + ends.server.processorTime;
  const busyBefore = processorTime();
  lab.status = `${streams} streams idle for ${seconds} s`;
  await pause(seconds * 1000);
  const perStream = (end: 'client' | 'server') => (ends[end].memory.now - empty[end]) / streams / 1024;
  lab.figure('streams', streams);
  lab.figure('KiB per stream, client', perStream('client'));
  lab.figure('KiB per stream, server', perStream('server'));
  lab.figure('processor idle, %', ((processorTime() - busyBefore) / seconds) * 100);
  lab.figure('transports', ends.relay.accepted);
  lab.status = 'every stream says something';
  let right = 0;
  await Promise.all(
    sockets.map(async (socket, n) => {
      const said = keystreamBytes(`idle ${n}`, 100);
      socket.end(said);
      if ((await readBytes(socket, said.length)).equals(said)) right += 1;
      if ((await readToEnd(socket)).by === 'reset') lab.fail('an idle stream is reset');
    }),
  );
  await lab.expect(`all streams answer, not ${right}`, right === streams);
  await lab.settle(ends);
}

async function storm(lab: Lab): Promise<void> {
  const ends = await lab.startTunnel();
  const echo = await startEcho();
  const seconds = lab.size(60, 2);
  const answers: Record<string, number> = {};
  const times: number[] = [];
  const start = performance.now();
  const isOver = () => performance.now() - start > seconds * 1000;
  const connect = async (): Promise<void> => {
    while (!isOver()) {
      const asked = performance.now();
      const answer = await bySocks5(ends.proxy, '127.0.0.1', echo.port).then(
        (socket) => {
          socket.destroy();
          return 'connected';
        },
        (error: unknown) => String(error),
      );
      times.push(performance.now() - asked);
      answers[answer] = (answers[answer] ?? 0) + 1;
      lab.status = `${times.length} connections`;
    }
  };
  await Promise.all(Array.from({ length: 200 }, connect));
  times.sort((a, b) => a - b);
  lab.figure('connections', times.length);
  lab.figure('connections a second', times.length / seconds);
  lab.figure('p50, ms', times[times.length >> 1] ?? Number.NaN);
  lab.figure('p99, ms', times[Math.floor(times.length * 0.99)] ?? Number.NaN);
  for (const [answer, count] of Object.entries(answers)) {
    lab.figure(answer, count);
    // A refusal for a limit is an answer; anything else is not.
    if (answer !== 'connected' && answer !== 'Error: SOCKS5 reply 1') lab.fail(`${count} times: ${answer}`);
  }
  await lab.expect('999 of 1000 are connected', (answers['connected'] ?? 0) / times.length >= 0.999);
  await lab.settle(ends);
}

async function unreadData(lab: Lab): Promise<void> {
  const ends = await lab.startTunnel({ server: MANY });
  // More would be a test of the system, whose sockets hold ten megabytes for each before the tunnel feels anything.
  const [streams, length, seconds] = lab.size([60, 16 * MIB, 60], [20, 2 * MIB, 1]);
  const source = await startSource(lab.seed, length);
  const sockets: Socket[] = [];
  for (let n = 0; n < streams; n++) {
    lab.status = `stream ${n} of ${streams}`;
    const socket = await bySocks5(ends.proxy, '127.0.0.1', source.port);
    sockets.push(socket.pause());
  }
  lab.status = `${streams} readers stand still for ${seconds} s`;
  await pause(seconds * 1000);
  const held = { client: ends.client.memory.now / MIB, server: ends.server.memory.now / MIB };
  lab.figure('MiB held by the client', held.client);
  lab.figure('MiB held by the server', held.server);
  let done = 0;
  lab.status = 'reading again';
  for (const socket of sockets) {
    const receiver = lab.books.receive(lab.seed, length);
    const ending = await readToEnd(socket, (chunk) => receiver.push(chunk));
    lab.books.ended(lab.seed, ending);
    socket.destroy();
    done += 1;
    lab.status = `${done} of ${streams} have read`;
  }
  await lab.expectIntact();
  await lab.settle(ends);
  const { client = Number.NaN, server = Number.NaN } = lab.outcome().peakMemory ?? {};
  if (process.platform === 'linux') {
    await lab.expect(`no end needs more than ${PEAK} MiB`, Math.max(client, server) < PEAK);
  }
}

async function slowReader(lab: Lab): Promise<void> {
  const ends = await lab.startTunnel();
  const [streams, seconds] = lab.size([100, 20], [20, 1]);
  const agreed = { kind: 'both', up: 0, down: MIB, pause: 0 } as const;
  const rate = async (what: string): Promise<number> => {
    lab.status = what;
    const before = lab.books.balance().bytes;
    await pause(seconds * 1000);
    return (lab.books.balance().bytes - before) / MIB / seconds;
  };
  const stop = lab.keepBusy(ends.proxy, streams, () => agreed);
  const alone = await rate('alone');
  const source = await startSource('nobody reads', 1024 * MIB);
  const stopped = (await bySocks5(ends.proxy, '127.0.0.1', source.port)).pause();
  const beside = await rate('beside a reader that stands still');
  stopped.resetAndDestroy();
  for (const error of await stop()) lab.fail(error);
  lab.figure('MiB/s alone', alone);
  lab.figure('MiB/s beside one who does not read', beside);
  await lab.expect('the others go on', beside > 0);
  await lab.expectIntact();
  await lab.settle(ends);
}

/** Both ends with hardly any descriptors, and more applications than they can serve. */
async function famine(lab: Lab): Promise<void> {
  const within = ['prlimit', '--nofile=64:64'];
  const ends = await lab.startTunnel({ serverOptions: { within }, clientOptions: { within } });
  const echo = await startEcho();
  const [applications, rounds] = lab.size([512, 10], [200, 1]);
  const answers: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    lab.status = `round ${round + 1} of ${rounds}`;
    const sockets: Socket[] = [];
    await Promise.all(
      Array.from({ length: applications }, async () => {
        const answer = await bySocks5(ends.proxy, '127.0.0.1', echo.port).then(
          async (socket) => {
            sockets.push(socket);
            socket.write('hello');
            return readBytes(socket, 5).then(String, () => 'reset afterwards');
          },
          (error: unknown) => (error instanceof Error ? error.message.replace(/ after .*/, '') : String(error)),
        );
        answers[answer] = (answers[answer] ?? 0) + 1;
      }),
    );
    for (const socket of sockets) socket.destroy();
  }
  for (const [answer, count] of Object.entries(answers)) lab.figure(answer, count);
  await lab.expect('some are served', (answers['hello'] ?? 0) > 0);
  await lab.expect('both ends live', ends.client.isAlive && ends.server.isAlive);
  await until('a new request is served', () => lab.isServed(ends.proxy), BACK_IN);
  await lab.settle(ends);
}

export const load: readonly Scenario[] = [
  { id: 'S7', title: '9,000 idle streams for 10 minutes, each of which answers at the end', run: idleStreams },
  { id: 'S8', title: 'a storm of connections for a minute, 200 at a time', run: storm },
  { id: 'S9', title: '60 streams of 16 MiB whose readers stand still for a minute', run: unreadData },
  { id: 'S10', title: 'a reader that stands still beside 100 downloads', run: slowReader },
  {
    id: 'S11',
    title: 'both ends with 64 descriptors, and 512 applications at once, 10 times',
    hostile: ['K22'],
    programs: ['prlimit'],
    run: famine,
  },
];
