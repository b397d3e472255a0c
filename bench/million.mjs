// What a million idle sessions cost over so many processes, by what bench/idle.mjs has measured on one machine:
//
//   node bench/million.mjs [--sessions 1000000] [--processes 8,16,32,64] [--from bench/results/idle.json]
//
// Prints the table of docs/scaling.md. It multiplies, no more: each process is taken to cost what those measured did.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { inBench } from './support/program.mjs';
import { round } from './support/statistics.mjs';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000000' },
    processes: { type: 'string', default: '8,16,32,64' },
    from: { type: 'string', default: inBench('results/idle.json') },
  },
});
/** The usual one, s. */
const HEARTBEAT = 15;
/** A session of the measurement has a socket in the client, two in the balancer, and one in the server. */
const SOCKETS = 4;

const { idle, storm } = JSON.parse(await readFile(values.from, 'utf8')).data;
const { resident, kernel, perHeartbeat } = idle.at(-1);
const sessions = Number(values.sessions);
const head = [
  'processes',
  'sessions in each',
  'GiB resident',
  'GiB of the kernel',
  '% of a core, heartbeats',
  's of a core, all come back',
];
const rows = values.processes.split(',').map((text) => {
  const each = sessions / Number(text);
  const gibibytes = (bytes) => round((bytes * each) / 2 ** 30, 2);
  return [
    text,
    Math.round(each),
    gibibytes(resident),
    gibibytes(kernel / SOCKETS),
    round(((perHeartbeat * each) / HEARTBEAT) * 100, 0),
    round(storm.perResume * each, 0),
  ];
});
for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
const all = (perSession, unit, digits = 1) => round((perSession * sessions) / unit, digits);
console.log(
  `\nIn all: ${all(resident, 2 ** 30)} GiB resident, ${all(kernel / SOCKETS, 2 ** 30)} GiB of the kernel, ` +
    `${all(perHeartbeat / HEARTBEAT, 1)} cores of heartbeats, ${all(storm.perResume, 1, 0)} CPU seconds when all come back.`,
);
