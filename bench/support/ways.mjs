// The ways from an application to a destination that are compared. Each starts to
//   { open: how an application connects by it, pids: the processes whose CPU counts, stop() }
// where `open` is { address, socks }: connect there, and ask for the target by SOCKS5 if `socks`. What it is started with is
// the place, { target, folder, certificate }; `serverHost` and `clientHost` put the two ends on hosts, `address` is where
// the first of these is found. A way may have an `isMissing`, and a `baseline`: which other one it is compared with.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { processTree } from './processes.mjs';
import { freePort, inBench, listeningAt, startListening, startProgram, stopProgram } from './program.mjs';
import { NO_LIMITS, startClient, startServer } from './tunnel.mjs';

const run = promisify(execFile);
const SSHD = '/usr/sbin/sshd';
const NGINX = '/usr/sbin/nginx';

/** Of the programs that a way starts, in the order of the data. */
function programs(open, children, stop = stopAll) {
  return { open, pids: children.map(({ pid }) => pid), children, stop: () => stop(children) };
}

async function stopAll(children) {
  for (const child of children) await stopProgram(child);
}

const direct = (address) => ({ address, socks: false });
const bySocks = (address) => ({ address, socks: true });

/** No relay at all. */
export async function tcp({ target }) {
  return programs(direct(target), []);
}

/** The floor: two programs that pipe sockets into each other. */
export async function pipe({ target }) {
  const far = await bareRelay({ to: target });
  const near = await bareRelay({ to: listeningAt(far) });
  return programs(direct(listeningAt(near)), [near, far]);
}

/** The same, but for how sockets are read. */
export async function reuse({ target }) {
  const far = await bareRelay({ to: target }, 'reuse-relay');
  const near = await bareRelay({ to: listeningAt(far) }, 'reuse-relay');
  return programs(direct(listeningAt(near)), [near, far]);
}

/** TLS between the two. */
export async function pipeTls({ target, certificate: { cert, key } }) {
  const far = await bareRelay({ to: target, cert, key });
  const near = await bareRelay({ to: listeningAt(far), ca: cert });
  return programs(direct(listeningAt(near)), [near, far]);
}

/** TLS with the application, and again with the destination, as with one who looks inside. */
export async function endTls({ target, certificate: { cert, key } }) {
  const relay = await bareRelay({ to: target, cert, key, ca: cert });
  return programs(direct(listeningAt(relay)), [relay]);
}

const TLS_BETWEEN = 'pipe, TLS between';

function bareRelay(options, program = 'bare-relay') {
  return startProgram([], [inBench(`support/${program}.mjs`), JSON.stringify(options)], '"ready"');
}

export async function ws(options) {
  const { serverHost, clientHost, address, node, clientOptions, serverOptions = NO_LIMITS, env } = options;
  const server = await startServer({ host: serverHost, address, node, options: serverOptions });
  const url = `ws://${listeningAt(server).join(':')}`;
  const client = await startClient(url, { host: clientHost, node, options: clientOptions, env });
  return programs(bySocks(listeningAt(client)), [client, server]);
}

/** By ordinary requests. */
export function http(place) {
  return ws({ ...place, clientOptions: ['--transport', 'http'] });
}
http.baseline = 'ws';

/** With the limits that a server has unless it is told otherwise. */
export function wsAtDefaultLimits(place) {
  return ws({ ...place, serverOptions: ['--no-access-log'] });
}

/** TLS by the server. */
export async function wss({ certificate: { cert, key }, clientOptions = [] }) {
  const server = await startServer({ options: [...NO_LIMITS, '--tls-cert', cert, '--tls-key', key] });
  const options = ['--ca', cert, ...clientOptions];
  const client = await startClient(`wss://localhost:${listeningAt(server)[1]}`, { options });
  return programs(bySocks(listeningAt(client)), [client, server]);
}
wss.baseline = TLS_BETWEEN;

/** By WebSocket over HTTP/2, TLS by the server. */
export function h2(place) {
  return wss({ ...place, clientOptions: ['--transport', 'h2'] });
}
h2.baseline = 'wss';

/** By ordinary requests over HTTP/2, TLS by the server. */
export function https(place) {
  return wss({ ...place, clientOptions: ['--transport', 'http'] });
}
https.baseline = 'wss';

/** TLS by nginx, as deploy/nginx.conf has it; nginx's CPU counts too. */
export async function nginx({ folder, certificate: { cert, key } }) {
  const [server, port] = await Promise.all([startServer({ options: [...NO_LIMITS, '--path', '/tunnel'] }), freePort()]);
  const root = join(folder, 'nginx');
  await mkdir(root, { recursive: true });
  const text = await readFile(inBench('../deploy/nginx.conf'), 'utf8');
  const values = [
    ['user www-data;', ''],
    ['/var/log/nginx/access.log', 'off'],
    ['/etc/letsencrypt/live/proxy.example.org/fullchain.pem', cert],
    ['/etc/letsencrypt/live/proxy.example.org/privkey.pem', key],
    [/proxy\.example\.org/g, 'localhost'],
    ['127.0.0.1:8080', listeningAt(server).join(':')],
    [/listen 443 ssl/g, `listen 127.0.0.1:${port} ssl`],
    [/^ *listen (\[::\]:443 ssl.*|\[::\]:80);$/gm, ''],
    ['listen 80', `listen 127.0.0.1:${await freePort()}`],
  ];
  const file = join(root, 'nginx.conf');
  await writeFile(
    file,
    values.reduce((all, [from, to]) => all.replace(from, to), text),
  );
  const command = [NGINX, '-p', root, '-e', 'stderr', '-c', file, '-g', `daemon off; pid ${root}/pid;`];
  const proxy = await startListening(command, port, { signal: 'SIGTERM' });
  const options = { options: ['--ca', cert] };
  const client = await startClient(`wss://localhost:${port}/tunnel`, options);
  const stop = async () => {
    await stopAll([client, server]);
    // Killed, it would leave its workers behind.
    await stopProgram(proxy, 'SIGTERM');
  };
  const way = programs(bySocks(listeningAt(client)), [client, proxy, server], stop);
  return { ...way, pids: [client.pid, ...processTree(proxy.pid), server.pid] };
}
nginx.isMissing = () => !existsSync(NGINX);
nginx.baseline = TLS_BETWEEN;

/** One forwarded port. */
export async function sshL(place) {
  return ssh(place, (port, [host, targetPort]) => ['-L', `127.0.0.1:${port}:${host}:${targetPort}`], direct);
}
sshL.isMissing = () => !existsSync(SSHD);

/** SOCKS. */
export async function sshD(place) {
  return ssh(place, (port) => ['-D', `127.0.0.1:${port}`], bySocks);
}
sshD.isMissing = sshL.isMissing;

async function ssh(place, forward, open) {
  const { folder, target, serverHost = [], clientHost = [], address = '127.0.0.1' } = place;
  const [port, localPort] = [await freePort(), await freePort()];
  const root = join(folder, `ssh-${port}`);
  await mkdir(root, { recursive: true });
  const file = (name) => join(root, name);
  for (const name of ['host', 'user']) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
  const lines = [
    `Port ${port}`,
    `ListenAddress ${address}`,
    `HostKey ${file('host')}`,
    `AuthorizedKeysFile ${file('user.pub')}`,
    `PidFile ${file('pid')}`,
    'StrictModes no',
    'UsePAM no',
    'MaxSessions 100000',
  ];
  await writeFile(file('sshd_config'), `${lines.join('\n')}\n`);
  if (process.getuid() === 0) await mkdir('/run/sshd', { recursive: true });
  const sshd = await startListening([...serverHost, SSHD, '-D', '-e', '-f', file('sshd_config')], port);
  const options = [
    ['IdentityFile', file('user')],
    ['IdentitiesOnly', 'yes'],
    ['UserKnownHostsFile', '/dev/null'],
    ['StrictHostKeyChecking', 'no'],
    ['LogLevel', 'ERROR'],
    ['BatchMode', 'yes'],
    ['ExitOnForwardFailure', 'yes'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const login = ['-F', '/dev/null', ...options, '-p', String(port), `${userInfo().username}@${address}`];
  const command = [...clientHost, 'ssh', '-N', ...forward(localPort, target), ...login];
  const client = await startListening(command, localPort);
  const way = programs(open(['127.0.0.1', localPort]), [client, sshd]);
  return {
    ...way,
    // Each connection has a process of its own there.
    pids: [client.pid, ...processTree(sshd.pid)],
    async stop() {
      const served = processTree(sshd.pid).slice(1);
      await stopAll([client, sshd]);
      for (const pid of served) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    },
  };
}

/** What is there of the named ways. */
export function available(ways) {
  return Object.fromEntries(Object.entries(ways).filter(([, start]) => !start.isMissing?.()));
}

/** A certificate for localhost that has signed itself, of the kind that is usual (ECDSA P-256). */
export async function makeCertificate(folder) {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  await run('openssl', ['req', '-x509', ...curve, ...names, '-days', '30', '-out', cert]);
  return { key, cert };
}
