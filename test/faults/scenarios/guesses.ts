import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { requestUpgrade } from 'wsproxy-test-support/wire/raw-websocket';
import type { Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

/** Beyond this, two means differ by more than chance (Welch's t, as for leaks of side channels). */
const CLEAR = 4.5;

interface Sample {
  readonly mean: number;
  readonly variance: number;
  readonly count: number;
}

/** Wrong tokens that agree with the right one in more or fewer characters: whether the answer takes longer. */
async function guess(lab: Lab): Promise<void> {
  const { server } = await lab.startTunnel();
  const guesses = lab.size(20_000, 200);
  const lengths = [0, TOKEN.length >> 1, TOKEN.length - 1];
  const times = new Map<number, number[]>(lengths.map((length) => [length, []]));
  for (let n = 0; n < guesses; n++) {
    lab.status = `${n} of ${guesses} guesses`;
    // In an order that chance has chosen, so that all of them meet the same machine.
    for (const length of lab.dice.shuffle(lengths)) {
      const token = TOKEN.slice(0, length) + '?'.repeat(TOKEN.length - length);
      const asked = performance.now();
      const { status, socket } = await requestUpgrade(server.port, { Authorization: `Bearer ${token}` });
      times.get(length)?.push((performance.now() - asked) * 1000);
      socket.destroy();
      if (status !== 401) lab.fail(`a wrong token is answered ${status}`);
    }
  }
  const samples = lengths.map((length) => summary(times.get(length) ?? []));
  const [none, half, most] = samples;
  if (none === undefined || half === undefined || most === undefined) throw new Error('no samples');
  lab.figure('µs per guess', none.mean);
  lab.figure('t, half of it right', welch(none, half));
  lab.figure('t, all but one right', welch(none, most));
  if (lab.effort === 'full') {
    const clearest = Math.max(Math.abs(welch(none, half)), Math.abs(welch(none, most)));
    await lab.expect(`times do not tell how much is right (t = ${clearest.toFixed(1)})`, clearest < CLEAR);
  }
}

/** Without the slowest tenth, in which the machine had something else to do. */
function summary(times: readonly number[]): Sample {
  const kept = [...times].sort((a, b) => a - b).slice(0, Math.ceil(times.length * 0.9));
  const mean = kept.reduce((sum, time) => sum + time, 0) / kept.length;
  const variance = kept.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (kept.length - 1);
  return { mean, variance, count: kept.length };
}

function welch(a: Sample, b: Sample): number {
  return (a.mean - b.mean) / Math.sqrt(a.variance / a.count + b.variance / b.count);
}

export const guesses: readonly Scenario[] = [
  {
    id: 'G7',
    title: 'wrong tokens that are right in no, half or all but one of their characters',
    hostile: ['G7'],
    run: guess,
  },
];
