import { fileURLToPath } from 'node:url';
import { run } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import type { Balance } from '../lab/books.js';
import type { Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const MBIT = 50;
const MIB = 1024 * 1024;
/** Half a megabyte at a loss of 30 % takes minutes, ms. */
const TIME_LIMIT = 600_000;

/** Bytes each way over an emulated link, one way after the other, and how fast. */
async function overLink(lab: Lab, rtt: number, loss: number, length: number): Promise<void> {
  lab.status = `${rtt} ms, ${loss} % lost`;
  const link = ['--rtt', String(rtt), '--mbit', String(MBIT), '--loss', String(loss)];
  const inside = `exec $A "$0" --import tsx "$1" "$2" "$3"`;
  const program = [process.execPath, here('../wan/inside.ts'), temporaryFolder(), String(length)];
  const command = ['sh', '-c', inside, ...program];
  const { stdout, stderr } = await run(here('../../../bench/netlab/netlab'), [...link, '--', ...command], {
    cwd: here('../../..'),
    timeout: TIME_LIMIT,
  });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) return lab.fail(`${lab.status}: ${stderr.slice(-500)}`);
  const result: { seconds: number; welcomes: number; balances: Balance[] } = JSON.parse(line);
  for (const { bytes, ...faults } of result.balances) {
    const isRight = bytes === length && Object.values(faults).every((count) => count === 0);
    await lab.expect(`${lab.status}: ${JSON.stringify({ bytes, ...faults })}`, isRight);
  }
  await lab.expect(`${lab.status}: the transport was taken for dead`, result.welcomes === 1 || loss >= 30);
  lab.figure(`${rtt} ms, ${loss} %: Mbit/s`, (2 * length * 8) / 1e6 / result.seconds);
}

export const wan: readonly Scenario[] = [
  {
    id: 'S17',
    title: 'an emulated link of 50 Mbit/s: round trips of 20, 100 and 300 ms, losses of 0 to 5 %, and one of 30 %',
    hostile: ['J8'],
    root: true,
    programs: ['gcc', 'ip'],
    run: async (lab) => {
      const length = lab.size(4 * MIB, MIB / 4);
      for (const rtt of lab.size([20, 100, 300], [20])) {
        for (const loss of lab.size([0, 0.1, 1, 2, 5], [1])) await overLink(lab, rtt, loss, length);
      }
      if (lab.effort === 'full') await overLink(lab, 100, 30, MIB / 4);
    },
  },
];
