// How long the programs take to start, beside Node itself.
import { spawnSync } from 'node:child_process';
import { inBench } from '../support/program.mjs';
import { median, ratios, round, summary } from '../support/statistics.mjs';

const COMMANDS = {
  'node -e 0': ['-e', '0'],
  'wsproxy-client --version': [inBench('../packages/client/bin/wsproxy-client.js'), '--version'],
  'wsproxy-server --version': [inBench('../packages/server/bin/wsproxy-server.js'), '--version'],
};
const NODE = 'node -e 0';

export const startup = {
  name: 'startup',
  steps: ({ repeats }) => repeats * 3 + 1,

  async run({ effort, progress }) {
    const measured = Object.fromEntries(Object.keys(COMMANDS).map((name) => [name, []]));
    for (let turn = 0; turn <= effort.repeats * 3; turn++) {
      progress.step('');
      for (const [name, args] of Object.entries(COMMANDS)) {
        const start = performance.now();
        const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
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
