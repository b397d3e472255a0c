import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import type { Balance } from '../lab/books.js';
import type { Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const TIME_LIMIT = 900_000;

/** A machine of its own goes from one network to another, awake and asleep, and back. */
async function roamAround(lab: Lab): Promise<void> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'resolv.conf'), '');
  const inside = fileURLToPath(new URL('../roam/inside.ts', import.meta.url));
  const [rounds, sleep] = lab.size(['5', '60'], ['1', '8']);
  const script = 'mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"';
  const command = [process.execPath, '--import', 'tsx', inside, folder, rounds, sleep];
  lab.status = `${rounds} times to another network and back`;
  const { stdout, stderr } = await run('unshare', ['-mn', 'sh', '-c', script, folder, ...command], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    timeout: TIME_LIMIT,
  });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) return lab.fail(stderr.slice(-500));
  const result: Result = JSON.parse(line);
  for (const error of result.errors) lab.fail(error);
  for (const { bytes, ...faults } of result.balances) {
    const isRight = bytes === result.bytes && Object.values(faults).every((count) => count === 0);
    await lab.expect(`${result.bytes} bytes: ${JSON.stringify({ bytes, ...faults })}`, isRight);
  }
  for (const time of result.moves) lab.note({ kind: 'another network', time });
  for (const time of result.sleeps) lab.note({ kind: 'asleep, then another network', time });
  lab.figure('bytes each way', result.bytes);
}

interface Result {
  readonly moves: readonly number[];
  readonly sleeps: readonly number[];
  readonly errors: readonly string[];
  /** That were to arrive at either end. */
  readonly bytes: number;
  readonly balances: readonly Balance[];
}

export const roam: readonly Scenario[] = [
  {
    id: 'S25',
    title:
      "address, route, nameserver and the server's own address change 10 times, half of them while the client sleeps for a minute",
    root: true,
    programs: ['ip', 'unshare', 'nsenter'],
    run: roamAround,
  },
];
