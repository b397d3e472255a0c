// `npm start`: both ends of the tunnel on this machine, from a fresh clone on. Arguments after `--` go to the server.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, install, root } from './steps.mjs';

/** How long an end may take until it listens, in milliseconds. */
const START_DEADLINE = 15_000;
/** How often an end that was told to stop is told again, in milliseconds; the second time cuts off what it waits for. */
const STOP_INTERVAL = 1000;

/** By the code of the system. */
const WHY_NOT_FREE = {
  EADDRINUSE: 'is not free; end the program that uses it',
  EADDRNOTAVAIL: 'cannot be had: this machine has no such address',
  EACCES: 'cannot be had: no permission; choose a port above 1023',
};

const children = new Set();
let stopping = false;

if ((await install()) && (await build())) await startBothEnds(process.argv.slice(2));
else process.exitCode = 1;

async function startBothEnds(serverArguments) {
  // Not at the top: the build has only just made this.
  const { formatListenAddress, parseListenAddress } = await import('../packages/cli/dist/index.js');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop());

  const { listen, path, hasUsers, configuration, clientArguments } = readArguments(serverArguments);
  const token = hasUsers ? process.env.WSPROXY_TOKEN : randomBytes(32).toString('base64url');
  if (!token) return fail('cannot start: with --users set WSPROXY_TOKEN to the token of one of them, for the client');
  const clientAddress = { host: '127.0.0.1', port: 1080 };
  const statusAddress = { host: '127.0.0.1', port: 1081 };
  let serverAddress;
  try {
    serverAddress = await freePort(parseListenAddress(listen, '127.0.0.1'));
    await freePort(clientAddress);
    await freePort(statusAddress);
  } catch (error) {
    return fail(`cannot start: ${error.message}`);
  }
  const reachable = { host: localHost(serverAddress.host), port: serverAddress.port };
  const url = `ws://${formatListenAddress(reachable)}${path}`;

  startEnd(
    'server',
    ['--log-level', 'warn', ...configuration, ...serverArguments, '--listen', formatListenAddress(serverAddress)],
    // Beside users, the server would take it for a second way to say who may come in.
    hasUsers ? {} : { WSPROXY_TOKEN: token },
  );
  if (!(await isListening(reachable))) return fail('wsproxy-server does not listen');
  const places = ['--listen', formatListenAddress(clientAddress), '--status', formatListenAddress(statusAddress)];
  startEnd('client', [url, ...clientArguments, ...places], { WSPROXY_TOKEN: token });
  if (!(await isOnline(statusAddress))) return fail('wsproxy-client does not reach wsproxy-server');

  const proxy = formatListenAddress(clientAddress);
  console.log(`
wsproxy-server   ${url}
wsproxy-client   ${proxy}, SOCKS and HTTP

Try              curl -x socks5h://${proxy} https://example.com/
Watch            http://${formatListenAddress(statusAddress)}/
Ctrl-C           ends both`);
  if (!serverArguments.includes('--allow-private')) {
    console.log(
      'Destinations on this machine and its network are refused; to allow them: npm start -- --allow-private',
    );
  }
}

/** What the server's arguments mean for the client. */
function readArguments(args) {
  const { values } = parseArgs({
    args,
    strict: false,
    options: {
      listen: { type: 'string', default: '127.0.0.1:8080' },
      path: { type: 'string', default: '/' },
      'token-file': { type: 'string' },
      users: { type: 'string' },
      config: { type: 'string' },
      // The client tells which destinations cannot be reached, and why.
      'log-level': { type: 'string', default: 'info' },
    },
  });
  const { listen, path, users, config, 'token-file': tokenFile, 'log-level': logLevel } = values;
  // What somebody has configured for good is not meant.
  const none = ['--config', devNull];
  const tokenArguments = tokenFile === undefined ? [] : ['--token-file', tokenFile];
  return {
    listen,
    path,
    hasUsers: users !== undefined,
    configuration: config === undefined ? none : [],
    clientArguments: ['--log-level', logLevel, ...none, ...tokenArguments],
  };
}

/** Tries the address before anything is started: another program there would answer in place of ours. */
async function freePort(address) {
  const probe = createServer().listen(address);
  try {
    await once(probe, 'listening');
  } catch (error) {
    const why = WHY_NOT_FREE[error.code] ?? `cannot be had (${error.code})`;
    throw new Error(`${address.host} port ${address.port} ${why}`);
  }
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return { ...address, port };
}

/** Where a server that listens on every address is found from here. */
function localHost(host) {
  return { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
}

/** Starts one end; when it ends without having been told to, so does everything. */
function startEnd(name, args, secrets) {
  const { WSPROXY_TOKEN: _, ...environment } = process.env;
  const script = join(root, 'packages', name, 'bin', `wsproxy-${name}.js`);
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...environment, ...secrets },
  });
  children.add(child);
  child.on('exit', (code, signal) => {
    children.delete(child);
    fail(`wsproxy-${name} has ended with ${signal ?? `exit code ${code}`}`);
  });
}

/** Waits until something accepts connections there; false when it takes too long or everything is being stopped. */
async function isListening(address) {
  const deadline = performance.now() + START_DEADLINE;
  while (!stopping && performance.now() < deadline) {
    const socket = connect(address);
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      socket.destroy();
    }
  }
  return false;
}

/** Waits until the client is connected to the server; false as above. */
async function isOnline(statusAddress) {
  const deadline = performance.now() + START_DEADLINE;
  while (!stopping && performance.now() < deadline) {
    const answer = await fetch(`http://${statusAddress.host}:${statusAddress.port}/status.json`).catch(() => undefined);
    if (answer?.ok && (await answer.json()).state === 'online') return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

/** Ends with exit code 1, unless it is ending already. */
function fail(message) {
  if (stopping) return;
  console.error(message);
  process.exitCode = 1;
  stop();
}

function stop() {
  if (stopping) return;
  stopping = true;
  // A signal that went to the whole group, as Ctrl-C does, has reached the children already: they have their time.
  // The client goes first, or it would complain about the loss of the server.
  setInterval(() => {
    for (const child of [...children].reverse()) child.kill('SIGTERM');
  }, STOP_INTERVAL).unref();
}
