// Starts the two ends as the programs that users run, each on its host, and ends them again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const JSON_LOG = ['--log-format', 'json'];
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
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}: ${child.lines.join('\n')}`)));
  });
  return child;
}

/** A server on a free port. */
export function startServer({ serverHost = [], address = '127.0.0.1' } = {}) {
  const script = program('packages/server/bin/wsproxy-server.js');
  return startProgram(serverHost, [script, '--listen', `${address}:0`, '--allow-private', ...JSON_LOG], '"ready"');
}

/** A client of that server, or of what `via` makes of the server's address. */
export async function startClient(server, { clientHost = [], via, clientOptions = [] } = {}) {
  const url = `ws://${(via === undefined ? listeningAt(server) : await via(listeningAt(server))).join(':')}`;
  const script = program('packages/client/bin/wsproxy-client.js');
  return startProgram(
    clientHost,
    [script, url, '--insecure', '--listen', '0', ...JSON_LOG, ...clientOptions],
    '"ready"',
  );
}

/**
 * A server on one host, a client on the other, which calls it there, or at what `via` makes of the server's address.
 * `socks` is where the client listens.
 */
export async function startTunnel(options = {}) {
  const server = await startServer(options);
  const client = await startClient(server, options);
  return {
    server,
    client,
    socks: listeningAt(client),
    async stop() {
      await stopProgram(client);
      await stopProgram(server);
    },
  };
}

/** Host and port in the line that says a program is ready. */
export function listeningAt(child) {
  const line = child.lines.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'ready');
  const [, host, port] = /^(.*):(\d+)$/.exec(line.listen);
  return [host, Number(port)];
}

export async function stopProgram(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
