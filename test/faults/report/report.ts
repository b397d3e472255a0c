import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { scenarios } from '../scenarios/index.js';
import { type ChartRow, drawChart } from './chart.js';
import { type Result, readResults } from './results.js';

const place = (name: string) => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));
const TITLE = 'Time until an application has bytes again';

const INTRODUCTION = `# Reliability

This page says which faults we gave the tunnel, and what happened. Client and server run as the programs that users run. Between them is
a relay that does what networks do, chosen by a seed. Every byte that an application or a destination sends is one of a keyed
stream, and the test checks every byte that arrives at its place. It counts these bytes:

* *lost*: missing, although the connection ended as if complete;
* *doubled*;
* *late*: behind bytes that belong after it;
* *changed*.

It tells a reset from an end.

\`\`\`
npm run test:faults                              everything, nearly two hours; results of full runs go into this page
npm run test:faults -- --only S1,S5 --seed 8     some of it, with the same seed as before
npm run test:faults -- --quick                   the short forms, which are a part of npm test
npm run test:faults -- --only S23 --minutes 60   chaos for as long as you like
npm run soak -- --minutes 20                     channels and sessions that come and go
\`\`\`

S17, S18t and S25 need root (network namespaces, a tmpfs). The program names a scenario that the machine cannot run, and skips it. It
prints a folder first, which has the history of each run, as a file of JSON lines.
`;

const EXPLANATIONS = `
*Recovery* is the time from the fault until an application has bytes again. It counts from the cut of a transport, from the end of a black
hole or of a stop, or from the return of a server. *Left* is how many more file descriptors and timers both ends hold when all is over.

* **S4, S5**: a session that is lost for good shows as a reset, never as an end. So the resets are right. In S5 the
  lost bytes are those that *destinations* miss. When a process is killed, its system ends the open connections as
  if they were complete. Applications see a reset.
* **S23, S23t**: each destination sees the address that dials it, so the test knows which server carried which connection. A reset is
  right only when that server was killed. The same holds for an early end at a destination, which counts as a reset here. Any
  other one fails the run. So does a connection that is dialled twice. A byte of one connection in another counts as *changed*.
  *Not served* are refused requests, for example when a killed server may have dialled for them already.
* **S26**: half of the applications come to a port at the server where the client listens now. There the system of a killed server has
  the connection of the application, which may see an early end. The destination sees a reset. *Nobody listened*
  counts connections that the system refused, for example between two servers. *Reset before they were served* counts connections that
  no destination has heard of.
* **S25**: the old network falls silent, and nobody says so. The old address of the server is gone with it. The time counts from the
  moment when the new network is up, and the client awake.
* **S11**: with no descriptor left the client can only close what it accepts, and the server refuses.
* **J13**: on plain \`ws\` nobody notices a byte that changed on the way, as with TCP. A changed byte in the mask of a message changes every
  fourth byte of it. On \`wss\`, TLS notices.
* **S17**: the hosts at the two ends of the emulated link use cubic. *Transports* count from two: each run begins with one cut.
`;

/** Writes docs/reliability.md and its picture from the last full run of each scenario. */
export function writeReport(): void {
  const results = readResults();
  const rows = scenarios.flatMap(({ id }): [string, Result][] => {
    const result = results[id];
    return result === undefined ? [] : [[id, result]];
  });
  const machines = [...new Set(rows.map(([, { machine }]) => machine))];
  const text = [
    INTRODUCTION,
    `The machine of the figures: ${machines.join('. Or: ')}.`,
    '\n## What arrived\n',
    ...balanceTable(rows),
    EXPLANATIONS,
    '## Time to recover\n',
    '![Times to recover, by scenario and fault](reliability.svg)\n',
    ...recoveryTable(rows),
    '\n## What else was measured\n',
    ...figuresTable(rows),
    '',
  ].join('\n');
  writeFileSync(place('reliability.md'), text);
  writeFileSync(place('reliability.svg'), drawChart(TITLE, chartRows(rows)));
}

function balanceTable(rows: readonly [string, Result][]): string[] {
  const head = ['scenario', 'passed', 'moved', 'lost', 'doubled', 'late', 'changed', 'resets', 'peak memory', 'left'];
  const lines = rows.map(([id, { title, failures, balance, peakMemory, left }]) => {
    const { bytes, lost, duplicated, reordered, corrupted, resets } = balance;
    const memory = peakMemory === undefined ? '' : `${peakMemory.client} + ${peakMemory.server} MiB`;
    const rest = left === undefined ? '' : `${left.descriptors} + ${left.timers}`;
    const moved = bytes === 0 ? '' : size(bytes);
    const counts = bytes === 0 ? ['', '', '', '', ''] : [lost, duplicated, reordered, corrupted, resets];
    return row([`**${id}** ${title}`, failures.length === 0 ? 'yes' : 'no', moved, ...counts, memory, rest]);
  });
  const notes = rows.flatMap(([id, { failures }]) => failures.map((failure) => `* ${id}: ${failure}`));
  return [row(head), row(head.map(() => '---')), ...lines, ...(notes.length > 0 ? ['', ...notes] : [])];
}

function recoveryTable(rows: readonly [string, Result][]): string[] {
  const head = ['scenario', 'fault', 'times', 'median, ms', '95 %, ms', 'longest, ms'];
  const lines = rows.flatMap(([id, { recoveries }]) =>
    Object.entries(recoveries).map(([kind, { count, median, p95, max }]) => row([id, kind, count, median, p95, max])),
  );
  return [row(head), row(head.map(() => '---')), ...lines];
}

function figuresTable(rows: readonly [string, Result][]): string[] {
  const head = ['scenario', 'date', 'seed', 'seconds', 'figures'];
  const lines = rows.map(([id, { date, seed, seconds, figures }]) => {
    const text = Object.entries(figures).map(([name, value]) => `\`${name}: ${value}\``);
    return row([id, date, seed, seconds, text.join('; ')]);
  });
  return [row(head), row(head.map(() => '---')), ...lines];
}

function chartRows(rows: readonly [string, Result][]): ChartRow[] {
  return rows.flatMap(([id, { recoveries }]) =>
    Object.entries(recoveries).map(([kind, spread]) => ({ label: `${id} ${kind}`, spread })),
  );
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function size(bytes: number): string {
  const mib = bytes / 1024 / 1024;
  return mib < 1024 ? `${mib.toFixed(1)} MiB` : `${(mib / 1024).toFixed(2)} GiB`;
}
