// How long a client takes until it is ready, and until `-W` brings the first byte of a destination, beyond what Node itself
// takes, and what it costs while nobody uses it:
//
//   node bench/client-start.mjs [--runs 10] [--idle 60]
//
// Prints medians of `node -e 0` and of the client, taken in turn, ms, and the CPU time of an idle client in per cent. The
// destination speaks first, and server and destination are on this machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RecordStream, RecordType } from '../packages/node/dist/control/index.js';
import { listeningAt, stopProgram } from './support/program.mjs';
import { median } from './support/statistics.mjs';
import { startClient, startPiping, startServer } from './support/tunnel.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, idle: { type: 'string', default: '60' } },
});
/** Of /proc/PID/stat: USER_HZ, which Linux shows as 100 everywhere. */
const TICKS_PER_SECOND = 100;

const server = await startServer();
const url = `ws://${listeningAt(server).join(':')}`;
const greeting = createServer((socket) => socket.on('error', () => {}).write('hello')).listen(0, '127.0.0.1');
await once(greeting, 'listening');
const target = `127.0.0.1:${greeting.address().port}`;
const folder = mkdtempSync(join(tmpdir(), 'wsproxy-bench-'));
const control = join(folder, 'control');
const running = await startClient(url, { options: ['--control', control] });

const figures = { bare: [], ready: [], cpu: [], piping: [], throughControl: [], answer: [] };
for (let run = 0; run <= Number(values.runs); run++) {
  const seen = await measureOnce();
  if (run > 0) for (const [name, figure] of Object.entries(seen)) figures[name].push(figure);
}
const { bare, ready, cpu, piping, throughControl, answer } = Object.fromEntries(
  Object.entries(figures).map(([name, all]) => [name, median(all)]),
);
console.log(`node -e 0                        ${bare.toFixed(0)} ms`);
tell('wsproxy-client ready', ready);
console.log(`CPU until ready                  ${cpu.toFixed(0)} ms, Node's own start included`);
tell('-W, first byte', piping);
tell('-W --control, first byte', throughControl);
console.log(`a running client answers in      ${answer.toFixed(1)} ms`);
await stopProgram(running);

for (const clientOptions of Number(values.idle) > 0 ? [[], ['--status', '0']] : []) {
  const client = await startClient(url, { options: clientOptions });
  const seconds = Number(values.idle);
  await pause(2_000);
  const before = cpuSeconds(client.pid);
  await pause(seconds * 1_000);
  const share = (cpuSeconds(client.pid) - before) / seconds;
  console.log(`idle ${clientOptions.join(' ').padEnd(15)} ${(100 * share).toFixed(2)} % of a core in ${seconds} s`);
  await stopProgram(client);
}
await stopProgram(server);
greeting.close();
rmSync(folder, { recursive: true });

async function measureOnce() {
  const seen = { bare: await timeOf(() => once(spawn(process.execPath, ['-e', '0']), 'exit')) };
  let client;
  seen.ready = await timeOf(async () => {
    client = await startClient(url);
  });
  seen.cpu = cpuSeconds(client.pid) * 1_000;
  await stopProgram(client);
  seen.piping = await timeOfFirstByte(() => startPiping([url, '-W', target]));
  seen.throughControl = await timeOfFirstByte(() => startPiping(['-W', target, '--control', control]));
  seen.answer = await timeOf(answerOfControl);
  return seen;
}

async function timeOfFirstByte(start) {
  let child;
  const time = await timeOf(async () => {
    child = start();
    await once(child.stdout, 'data');
  });
  await stopProgram(child);
  return time;
}

async function answerOfControl() {
  const stream = new RecordStream(connect(control), { gone: 'gone', onRecord() {} });
  stream.say(RecordType.request, target);
  await once(stream, 'data');
  stream.on('error', () => {}).destroy();
}

function tell(what, time) {
  const shown = `${time.toFixed(0)} ms, ${(time / bare).toFixed(1)} times as long, ${(time - bare).toFixed(0)} ms beyond it`;
  console.log(`${what.padEnd(32)} ${shown}`);
}

async function timeOf(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** User and system time so far, of all threads. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
