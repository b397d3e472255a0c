import { PassThrough, Readable } from 'node:stream';
import { createClient } from 'wsproxy-client';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { keystreamBytes } from 'wsproxy-test-support/keystream';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { bySocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { until } from 'wsproxy-test-support/until';
import type { Ends, Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const MIB = 1024 * 1024;
const AT_ONCE = 50;
const SESSIONS_AT_ONCE = 4;
const LOOKS = 10;
/** What the heap may grow by for 100,000 channels, MiB. */
const SLOPE = 1;

interface SoakSize {
  readonly minutes: number;
  readonly channels: number;
  readonly sessions: number;
}

interface Look {
  readonly channels: number;
  readonly heap: number;
  readonly descriptors: number;
  readonly timers: number;
}

/** Short channels and sessions come and go, until there were as many as wished for or the time is over. */
async function soak(lab: Lab, { minutes, channels, sessions }: SoakSize): Promise<void> {
  const ends = await lab.startTunnel({ server: ['--max-sessions-per-user', '1000'] });
  const echo = await startEcho();
  const start = performance.now();
  const done = { channels: 0, sessions: 0 };
  const isOver = () =>
    performance.now() - start > minutes * 60_000 || (done.channels >= channels && done.sessions >= sessions);

  const useChannels = async (n: number): Promise<void> => {
    for (let round = 0; !isOver(); round++) {
      if (done.channels >= channels) return;
      const said = keystreamBytes(`${lab.seed} ${n} ${round}`, 100);
      const heard: Buffer[] = [];
      const socket = await bySocks5(ends.proxy, '127.0.0.1', echo.port);
      socket.end(said);
      const { by } = await readToEnd(socket, (chunk) => heard.push(chunk));
      socket.destroy();
      if (by !== 'end' || !Buffer.concat(heard).equals(said)) lab.fail(`channel ${n}.${round}: wrong answer, ${by}`);
      done.channels += 1;
      lab.status = `${done.channels} channels, ${done.sessions} sessions`;
    }
  };
  const useSessions = async (): Promise<void> => {
    while (!isOver() && done.sessions < sessions) {
      // Spread over the whole time.
      const isDue = () => isOver() || done.sessions / sessions <= done.channels / channels;
      await until('the next session is due', isDue, minutes * 60_000 + 1_000);
      const client = createClient({ url: `ws://127.0.0.1:${ends.server.port}/`, token: TOKEN });
      await client.start();
      const heard = new PassThrough();
      await client.pipe(`127.0.0.1:${echo.port}`, Readable.from(['hello']), heard);
      if (String(heard.read()) !== 'hello') lab.fail('a session that came and went carried something else');
      await client.close();
      done.sessions += 1;
    }
  };
  const looks: Record<'client' | 'server', Look[]> = { client: [], server: [] };
  const look = async (): Promise<void> => {
    for (const name of ['client', 'server'] as const) {
      looks[name].push({ channels: done.channels, ...(await ends[name].holdings()) });
    }
  };
  const watch = async (): Promise<void> => {
    // The first part of a run fills caches; the slope is that of the rest.
    const share = () => Math.max(done.channels / channels, (performance.now() - start) / (minutes * 60_000));
    const isDue = () => isOver() || share() * LOOKS >= looks.client.length + 1;
    while (!isOver()) {
      await until('the next look is due', isDue, minutes * 60_000 + 1_000);
      if (!isOver()) await look();
    }
  };
  await Promise.all([
    ...Array.from({ length: AT_ONCE }, (_, n) => useChannels(n)),
    ...Array.from({ length: SESSIONS_AT_ONCE }, useSessions),
    watch(),
  ]);
  lab.figure('channels', done.channels);
  lab.figure('sessions', done.sessions);
  lab.figure('minutes', (performance.now() - start) / 60_000);
  await tell(lab, ends, looks);
}

async function tell(lab: Lab, ends: Ends, looks: Record<'client' | 'server', Look[]>): Promise<void> {
  for (const name of ['client', 'server'] as const) {
    const per = (what: keyof Look) => slope(looks[name].map((look) => [look.channels / 100_000, look[what]]));
    const growth = per('heap') / MIB;
    lab.figure(`${name}: MiB of heap per 100,000 channels`, growth);
    lab.figure(`${name}: descriptors per 100,000 channels`, per('descriptors'));
    lab.figure(`${name}: timers per 100,000 channels`, per('timers'));
    lab.history.note('looks', { name, looks: looks[name] });
    if (lab.effort === 'full') await lab.expect(`the heap of the ${name} does not grow`, growth < SLOPE);
  }
  await lab.settle(ends);
}

/** Of the straight line that fits best. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point[0]), mean((point) => point[1])];
  const covariance = mean((point) => (point[0] - x) * (point[1] - y));
  return covariance / mean((point) => (point[0] - x) ** 2);
}

const FULL: SoakSize = { minutes: 20, channels: 1_000_000, sessions: 2_000 };
const QUICK: SoakSize = { minutes: 1, channels: 500, sessions: 20 };

export const soaks: readonly Scenario[] = [
  {
    id: 'S21',
    title: 'a million short channels and 2,000 sessions that come and go',
    hostile: ['I12', 'K18'],
    run: (lab) => soak(lab, { ...lab.size(FULL, QUICK), ...(lab.minutes !== undefined && { minutes: lab.minutes }) }),
  },
];
