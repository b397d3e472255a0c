// Two hosts that an emulated link joins (netlab), and what is measured between them.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { endWithThis, inBench, startProgram } from './program.mjs';

const run = promisify(execFile);

/** What the link is told, by the name it has there. */
const LINK = {
  rtt: 'rtt',
  mbit: 'mbit',
  up: 'up',
  down: 'down',
  queue: 'queue-ms',
  jitter: 'jitter',
  rates: 'rates',
  loss: 'loss',
};

/** What the destination of measurements listens on, and a bare relay to it on the same host. */
export const DESTINATION = 7001;
export const RELAY = 7002;

/** Why there can be no link here, if so. */
export function whyNoLink() {
  if (process.getuid() !== 0) return 'it needs root';
  const missing = ['gcc', 'ip'].find(
    (name) => !['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((folder) => existsSync(`${folder}/${name}`)),
  );
  return missing && `it needs ${missing}`;
}

/** Runs a program of bench/ between the two; the line of JSON that it prints is its result. */
export async function onLink(path, program, args) {
  const link = Object.entries(LINK).flatMap(([key, flag]) => (key in path ? [`--${flag}`, String(path[key])] : []));
  const words = [...link, '--', process.execPath, inBench(program), ...args];
  const child = spawn(inBench('netlab/netlab'), words, { stdio: ['ignore', 'pipe', 'inherit'] });
  endWithThis(child, 'SIGTERM');
  let output = '';
  for await (const chunk of child.stdout) output += chunk;
  const json = output.split('\n').find((line) => line.startsWith('['));
  if (json === undefined) throw new Error(`no result: ${output}`);
  return JSON.parse(json);
}

/** The hosts, as the program that `onLink` runs finds them: what puts a program on each, and the address of `b`. */
export function hostsOfLink() {
  return { a: process.env.A.split(' '), b: process.env.B.split(' '), address: process.env.B_IP };
}

export function startDestination({ b, address }) {
  const ports = [DESTINATION, RELAY].map(String);
  return startProgram(b, [inBench('support/destination.mjs'), address, ...ports], 'ready');
}

/** What the application on host `a` measures (measure.mjs). */
export async function measure({ a }, options, limits = {}) {
  const command = [process.execPath, inBench('support/measure.mjs'), JSON.stringify(options)];
  const { stdout } = await onHost(a, command, limits);
  return JSON.parse(stdout);
}

export function onHost(host, words, limits = {}) {
  const [command, ...rest] = [...host, ...words];
  return run(command, rest, { maxBuffer: 2 ** 28, ...limits });
}

/** Mbit/s in the second half of a run. */
export function steadyRate({ timeline }) {
  const half = Math.floor(timeline.length / 2);
  return ((timeline.at(-1) - timeline[half]) * 8) / ((timeline.length - 1 - half) * 100_000);
}
