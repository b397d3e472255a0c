// Programs that a benchmark starts and ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A file of this repository, by its path from bench/. */
export const inBench = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const running = new Map();
process.once('exit', () => {
  for (const [child, signal] of running) child.kill(signal);
});

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

/** One that says nothing when it is ready: it is once its port answers. */
export async function startListening(command, port, signal = 'SIGKILL') {
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  endWithThis(child, signal);
  for (let i = 0; i < 100; i++) {
    if (child.exitCode !== null) break;
    if (await answers(port)) return child;
    await sleep(50);
  }
  child.kill(signal);
  throw new Error(`${command.join(' ')} does not listen: ${said}`);
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const finish = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

export async function stopProgram(child, signal = 'SIGKILL') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
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
