// How long the programs take to start, beside Node itself.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { inBench } from '../support/program.mjs';
import { median, ratios, round, summary } from '../support/statistics.mjs';

const PROGRAMS = ['client', 'server'];
/** Where `npm run packages -- --only executables` has put executables for this machine. */
const BUILT = `../dist/build/${process.platform}-${process.arch}`;
const script = (name) => [process.execPath, inBench(`../packages/${name}/bin/wsproxy-${name}.js`), '--version'];
const executable = (name) => [inBench(`${BUILT}/wsproxy-${name}/wsproxy-${name}`), '--version'];
const COMMANDS = Object.fromEntries([
  ['node -e 0', [process.execPath, '-e', '0']],
  ...PROGRAMS.map((name) => [`wsproxy-${name} --version`, script(name)]),
  ...PROGRAMS.filter((name) => existsSync(executable(name)[0])).map((name) => [
    `wsproxy-${name} --version, as one file`,
    executable(name),
  ]),
]);
const NODE = 'node -e 0';

export const startup = {
  name: 'startup',
  steps: ({ repeats }) => repeats * 3 + 1,

  async run({ effort, progress }) {
    const measured = Object.fromEntries(Object.keys(COMMANDS).map((name) => [name, []]));
    for (let turn = 0; turn <= effort.repeats * 3; turn++) {
      progress.step('');
      for (const [name, [command, ...args]] of Object.entries(COMMANDS)) {
        const start = performance.now();
        const { status } = spawnSync(command, args, { stdio: 'ignore' });
        if (status !== 0) throw new Error(`${name} ended with ${status}`);
        if (turn > 0) measured[name].push(performance.now() - start);
      }
    }
    const rows = Object.entries(measured).map(([command, times]) => {
      const ratio = summary(ratios(times, measured[NODE]));
      return { command, ms: round(median(times)), ratio: ratio.median, spread: `${ratio.low}–${ratio.high}` };
    });
    const bars = Object.entries(measured).map(([name, times]) => ({ name, ...summary(times, 0) }));
    const unit = 'milliseconds, less is better';
    return {
      tables: [{ title: 'Start-up', rows }],
      charts: [{ file: 'startup', title: 'Start-up', unit, groups: [{ label: '', bars }] }],
      data: measured,
    };
  },
};
