// Run on a machine of its own: wireguard.ts KILLS OUTAGE. A WireGuard tunnel leads from here through -L /udp to another
// machine, where no packet of it comes from but the server's. Inside, a ping runs every 100 ms and a TCP transfer, while the
// WebSocket is lost so many times, and then cannot come back for OUTAGE ms. Prints what has come of it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { Program } from 'wsproxy-test-support/programs/program';
import { connectMachines, here, type Machine, startMachine } from 'wsproxy-test-support/programs/second-machine';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { startForward } from '../forwarded.js';

/** Between two losses, ms. */
const LIFETIME = 400;
const RATE = 8_000_000;

const [kills, outage] = process.argv.slice(2).map(Number) as [number, number];
const WIREGUARD_PORT = 51_820;
const folder = temporaryFolder();

interface Keys {
  readonly file: string;
  readonly publicKey: string;
}

async function makeKeys(name: string): Promise<Keys> {
  const file = join(folder, name);
  const key = await here.sh('umask 077; wg genkey');
  writeFileSync(file, key);
  return { file, publicKey: (await here.sh(`wg pubkey < ${file}`)).trim() };
}

/** One end: a device with an address inside, and a peer. */
async function startEnd(machine: Machine, device: string, address: string, { file }: Keys, peer: string) {
  const [command = '', ...args] = [...machine.within, 'wireguard-go', '-f', device];
  new Program(command, args);
  await until(`${device} is there`, () =>
    machine.sh(`wg show ${device}`).then(
      () => true,
      () => false,
    ),
  );
  await machine.sh(`wg set ${device} private-key ${file} ${peer}`);
  await machine.sh(`ip address add ${address}/24 dev ${device}; ip link set ${device} up`);
}

const far = await startMachine();
await connectMachines(here, far, 'cable', '10.91.0');
const [near, remote] = [await makeKeys('near'), await makeKeys('far')];
const forward = await startForward(WIREGUARD_PORT, '10.91.0.2');
await startEnd(
  far,
  'wgfar',
  '10.8.0.2',
  remote,
  `listen-port ${WIREGUARD_PORT} peer ${near.publicKey} allowed-ips 10.8.0.1/32`,
);
const endpoint = `endpoint 127.0.0.1:${forward.port}`;
await startEnd(here, 'wgnear', '10.8.0.1', near, `peer ${remote.publicKey} ${endpoint} allowed-ips 10.8.0.2/32`);

const [nsenter = '', ...words] = far.within;
const server = new Program(nsenter, [...words, 'iperf3', '-s', '-1', '--forceflush']);
await server.untilStdout(/Server listening/);
const ping = new Program('ping', ['-i', '0.1', '-D', '10.8.0.2']);
await ping.untilStdout(/icmp_seq=3 /);
const bytes = Math.ceil(((kills * LIFETIME + outage + 2_000) / 8_000) * RATE);
const transfer = new Program('iperf3', ['-J', '-c', '10.8.0.2', '-w', '128K', '-b', String(RATE), '-n', String(bytes)]);
const sources = new Set<string>();
const lookAtSource = async () => {
  sources.add((await far.sh('wg show wgfar endpoints')).trim().split('\t').at(-1) ?? '');
};
const replies = () => ping.stdout.split('\n').length;
const untilAnswered = async () => {
  const before = replies();
  await until('a ping is answered', () => replies() > before, 60_000);
  await lookAtSource();
};

await lookAtSource();
for (let kill = 0; kill < kills; kill += 1) {
  forward.relay.cut(kill % 2 === 0 ? 'reset' : 'end');
  await untilAnswered();
  await pause(LIFETIME);
}
await forward.relay.stop();
await pause(outage);
await forward.relay.start();
await untilAnswered();

const { stdout } = await transfer.ended;
ping.signal('SIGINT');
const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec((await ping.ended).stdout) ?? [];
const { end, error } = JSON.parse(stdout);
const result = {
  sources: [...sources],
  pings: { sent: Number(sent), received: Number(received) },
  transfer: { error, wanted: bytes, received: end.sum_received?.bytes },
  transports: forward.relay.accepted,
  flows: forward.client.status().flows,
};
await endAll();
process.stdout.write(`${JSON.stringify(result)}\n`);
