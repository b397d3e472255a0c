// Run on a machine of its own, whose /etc/resolv.conf is FOLDER/resolv.conf: inside.ts FOLDER ROUNDS SLEEP. The machine
// goes from one network to another while connections are busy, awake and asleep; its address, its route, its nameserver
// and the address of the server change. Prints what has arrived on both hosts, and how long bytes were away, ms.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { bySocks5 } from 'wsproxy-test-support/sockets/application';
import { exchange, type Kind } from 'wsproxy-test-support/traffic';
import { until } from 'wsproxy-test-support/until';
import { Books } from '../lab/books.js';
import { End } from '../lab/end.js';
import { History } from '../lab/history.js';
import { serverArguments } from '../lab/lab.js';

interface Network {
  readonly name: string;
  readonly address: string;
  /** Its nameserver too. */
  readonly gateway: string;
  /** Of the server, from there; it has none of other networks. */
  readonly server: string;
}

const WIFI: Network = { name: 'wifi', address: '10.91.0.2', gateway: '10.91.0.1', server: '10.90.0.1' };
const MOBILE: Network = { name: 'mobile', address: '10.92.0.2', gateway: '10.92.0.1', server: '10.90.0.2' };
const DESTINATION = '10.90.0.9';
const STREAMS = 20;
/** Bytes each way. */
const LENGTH = 200_000;
/** ms. */
const BACK_IN = 90_000;

const [folder = '', rounds = '1', sleep = '1'] = process.argv.slice(2);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

async function sh(line: string, within: readonly string[] = []): Promise<void> {
  const [command = '', ...args] = [...within, 'sh', '-ec', line];
  const { code, stderr } = await run(command, args);
  if (code !== 0) throw new Error(`${line}: ${stderr}`);
}

const host = new Program('unshare', ['-n', 'sh', '-ec', 'ip link set lo up; echo ready >&2; exec sleep infinity']);
await host.untilStderr(/ready/);
const there = ['nsenter', `--net=/proc/${host.pid}/ns/net`];
await sh('ip link set lo up');
await sh(`ip address add ${DESTINATION}/32 dev lo`, there);
for (const { name, gateway } of [WIFI, MOBILE]) {
  await sh(`ip link add ${name} type veth peer name ${name} netns ${host.pid}`);
  await sh(`ip address add ${gateway}/24 dev ${name}; ip link set ${name} up`, there);
}

async function enter({ name, address, gateway, server }: Network): Promise<void> {
  await sh(`ip address add ${server}/32 dev lo`, there);
  await sh(`ip link set ${name} up; ip address add ${address}/24 dev ${name}; ip route add default via ${gateway}`);
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${gateway}\n`);
}

async function leave({ name, server }: Network): Promise<void> {
  await sh(`ip address flush dev ${name}; ip link set ${name} down`);
  await sh(`ip address del ${server}/32 dev lo`, there);
}

await enter(WIFI);
const [netns = '', ...words] = there;
const networks = [WIFI, MOBILE].map(({ name, gateway, server }) => [name, gateway, server].join());
const script = ['--import', 'tsx', here('far.ts'), folder, DESTINATION, ...networks];
const far = new Program(netns, [...words, process.execPath, ...script], { input: 'open' });
const port = Number(await far.untilStderr(/port (\d+)/, 30_000));
const server = await End.start('wsproxy-server', serverArguments(), { within: there, host: '0.0.0.0' });
const bypass = [WIFI, MOBILE].flatMap(({ name }) => ['--bypass', `*.${name}.test`]);
const client = await End.start('wsproxy-client', [`ws://tunnel.test:${server.port}/`, '--insecure', ...bypass]);

const history = new History(folder, 'here');
const books = new Books(history);
let exchanges = 0;
const pass = (host: string, kind: Kind = 'both') => {
  exchanges += 1;
  const agreed = { kind, seed: `roam ${exchanges}`, up: LENGTH, down: LENGTH, pause: 20 };
  return exchange(bySocks5, client.port, port, agreed, books, host);
};
let isOver = false;
const errors: string[] = [];
const busy = Array.from({ length: STREAMS }, async () => {
  while (!isOver) await pass(DESTINATION).catch((error: unknown) => errors.push(String(error)));
});

/** From now until bytes arrive by a new transport, ms. */
async function recovery(kind: string): Promise<number> {
  const { welcomes } = client;
  const start = performance.now();
  history.note('fault', { kind });
  await until('a transport is back', () => client.welcomes > welcomes, BACK_IN);
  await until('bytes arrive', () => books.lastByte > client.lastWelcome, BACK_IN);
  return books.lastByte - start;
}

const moves: number[] = [];
const sleeps: number[] = [];
await until('bytes arrive', () => books.lastByte > 0);
for (let round = 0; round < Number(rounds); round++) {
  await leave(WIFI);
  await enter(MOBILE);
  moves.push(await recovery('another network'));
  // By a name that only the nameserver of this network knows: the client itself looks it up and dials it, so that it must be
  // over, at both ends, before the network changes again.
  await pass('printer.mobile.test', 'after').catch((error: unknown) => errors.push(`by its name: ${error}`));

  client.program.signal('SIGSTOP');
  await leave(MOBILE);
  await pause(Number(sleep) * 1000);
  await enter(WIFI);
  client.program.signal('SIGCONT');
  sleeps.push(await recovery('asleep, then another network'));
  await pass('printer.wifi.test', 'after').catch((error: unknown) => errors.push(`by its name: ${error}`));
}
isOver = true;
await Promise.all(busy);
far.child.stdin?.end();
const { stdout } = await far.ended;
await endAll();
const balances = [books.balance(), JSON.parse(stdout)];
process.stdout.write(`${JSON.stringify({ moves, sleeps, errors, bytes: exchanges * LENGTH, balances })}\n`);
