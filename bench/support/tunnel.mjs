// Starts the two ends as the programs that users run, each on its host, and ends them again.
import { spawn } from 'node:child_process';
import { endWithThis, inBench, listeningAt, startProgram, stopProgram } from './program.mjs';

const TOKEN = { WSPROXY_TOKEN: 'a-token-that-is-only-for-this-benchmark' };
const JSON_LOG = ['--log-format', 'json'];
const SERVER = inBench('../packages/server/bin/wsproxy-server.js');
const CLIENT = inBench('../packages/client/bin/wsproxy-client.js');

/** The server's own limits are for the Internet; a benchmark asks for more, and the others log no line per connection. */
export const NO_LIMITS = [
  '--no-access-log',
  ...['--max-channels', '100000', '--max-channels-per-session', '100000', '--max-pending-dials', '100000'],
  ...['--max-failed-dials-per-second', '1000000', '--max-failed-dials-burst', '1000000'],
  ...['--max-sessions', '100000', '--max-sessions-per-user', '100000', '--max-unauthenticated', '10000'],
];

/** `env`: whose token it takes; none where its options name users. */
export function startServer({ host = [], address = '127.0.0.1', node = [], options = [], env = TOKEN } = {}) {
  const args = [...node, SERVER, '--listen', `${address}:0`, '--allow-private', ...JSON_LOG, ...options];
  return startProgram(host, args, '"ready"', env);
}

export function startClient(url, { host = [], node = [], options = [], env = {} } = {}) {
  const args = [...node, CLIENT, url, '--insecure', '--listen', '0', ...JSON_LOG, ...options];
  return startProgram(host, args, '"ready"', { ...TOKEN, ...env });
}

/** A client for one connection, which the caller talks to by its standard streams. */
export function startPiping(args, node = []) {
  const child = spawn(process.execPath, [...node, CLIENT, ...args], {
    env: { ...process.env, ...TOKEN },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  endWithThis(child);
  return child;
}

/** The client's end of `sessions` sessions, in one program. */
export function startSessions(url, sessions, node = []) {
  return startProgram([], [...node, inBench('support/many-sessions.mjs'), url, String(sessions)], '"ready"', TOKEN);
}

/**
 * A server on one host, a client on the other, which calls it there, or at what `via` makes of the server's address.
 * `socks` is where the client listens.
 */
export async function startTunnel(options = {}) {
  const { serverHost, clientHost, address, via, clientOptions, serverOptions } = options;
  const server = await startServer({ host: serverHost, address, options: serverOptions });
  const url = `ws://${(via === undefined ? listeningAt(server) : await via(listeningAt(server))).join(':')}`;
  const client = await startClient(url, { host: clientHost, options: clientOptions });
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
