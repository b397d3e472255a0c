// Programs that a benchmark starts and ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isListening } from './processes.mjs';

/** A file of this repository, by its path from bench/. */
export const inBench = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** How much is kept of what a program says, characters. */
const KEPT = 2_000;

const running = new Map();
process.once('exit', () => {
  for (const [child, signal] of running) child.kill(signal);
});
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
  process.once(signal, () => process.exit(128 + number));
}

/** Sees to it that `child` does not outlive this program. */
export function endWithThis(child, signal = 'SIGKILL') {
  running.set(child, signal);
  child.once('exit', () => running.delete(child));
}

/** A child process that says `pattern` on standard error once it is ready; what it says is in `lines`. */
export async function startCommand([command, ...args], pattern, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  child.lines = [];
  endWithThis(child);
  const lines = createInterface({ input: child.stderr });
  await new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      child.lines.push(line);
      if (line.includes(pattern)) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`${command} ${args[0]} ended with ${code}: ${child.lines.join('\n')}`)),
    );
  });
  return child;
}

/** A Node program, on the host that `prefix` puts it on. */
export function startProgram(prefix, args, pattern, env) {
  return startCommand([...prefix, process.execPath, ...args], pattern, env);
}

/** One that does not say when it is ready: it is once it listens on `port`. What it said last is in `said()`. */
export async function startListening([command, ...args], port, { signal = 'SIGKILL', env, kind } = {}) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (text) => {
      said = `${said}${text}`.slice(-KEPT);
    });
  }
  child.said = () => said.trim();
  let failure;
  child.once('error', (error) => {
    failure = error.message;
  });
  endWithThis(child, signal);
  for (let i = 0; i < 100 && failure === undefined && !hasEnded(child); i++) {
    if (isListening(child.pid, port, kind)) return child;
    await sleep(50);
  }
  child.kill(signal);
  throw new Error(`${[command, ...args].join(' ')} does not listen: ${failure ?? child.said()}`);
}

export async function stopProgram(child, signal = 'SIGKILL') {
  if (hasEnded(child)) return;
  child.kill(signal);
  await once(child, 'exit');
}

function hasEnded({ exitCode, signalCode }) {
  return exitCode !== null || signalCode !== null;
}

/** Host and port in the line that says a program is ready. */
export function listeningAt(child) {
  const line = child.lines.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'ready');
  const [, host, port] = /^(.*):(\d+)$/.exec(line.listen);
  return [host, Number(port)];
}

/** A port of loopback that nobody listens on now. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
