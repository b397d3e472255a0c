// Starts the two ends as the programs that users run, each on its host, and ends them again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const TOKEN = 'a-token-that-is-only-for-this-benchmark';
const program = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** A child process that says `pattern` on standard error once it is ready. `prefix` puts it on a host. */
export async function startProgram(prefix, args, pattern) {
  const [command, ...rest] = [...prefix, process.execPath, ...args];
  const child = spawn(command, rest, {
    env: { ...process.env, WSPROXY_TOKEN: TOKEN },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.lines = [];
  const lines = createInterface({ input: child.stderr });
  await new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      child.lines.push(line);
      if (line.includes(pattern)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}: ${child.lines.join('\n')}`)));
  });
  return child;
}

/** A server on one host, a client on the other; `socks` is where the client listens. */
export async function startTunnel({
  serverHost = [],
  clientHost = [],
  address = '127.0.0.1',
  clientOptions = [],
} = {}) {
  const json = ['--log-format', 'json'];
  const server = await startProgram(
    serverHost,
    [program('packages/server/bin/wsproxy-server.js'), '--listen', `${address}:8080`, '--allow-private', ...json],
    '"ready"',
  );
  const client = await startProgram(
    clientHost,
    [program('packages/client/bin/wsproxy-client.js'), `ws://${address}:8080`, '--insecure', ...json, ...clientOptions],
    '"ready"',
  );
  return {
    server,
    client,
    socks: ['127.0.0.1', 1080],
    async stop() {
      await stopProgram(client);
      await stopProgram(server);
    },
  };
}

export async function stopProgram(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
