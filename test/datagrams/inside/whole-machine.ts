// Run on a machine of its own, which is the router of another: all that one sends, TCP and UDP, is led by redsocks through a
// tunnel to a third one. Nothing is configured on the first, and no packet is forwarded. Prints what programs there get.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { start } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { connectMachines, here, type Machine, startMachine } from 'wsproxy-test-support/programs/second-machine';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

/** Addresses that nobody has (RFC 5737), but the far machine. */
const NAMESERVER = '203.0.113.53';
const ECHO = '203.0.113.7';
const PORTS = { tcp: 12_345, udp: 12_346 };

function startOn({ within }: Machine, ...line: readonly string[]): Program {
  const [command = '', ...args] = [...within, ...line];
  return new Program(command, args);
}

async function ask({ within }: Machine, line: readonly string[], input?: string) {
  const [command = '', ...args] = [...within, ...line];
  const { code, stdout, stderr } = await run(command, args, input === undefined ? {} : { input });
  return { code, stdout, stderr };
}

function redsocks(socks: number): string {
  const proxy = { ip: '127.0.0.1', port: socks };
  return [
    section('base', { log_info: 'on', log: '"stderr"', daemon: 'off', redirector: 'iptables' }),
    section('redsocks', { local_ip: '10.92.0.1', local_port: PORTS.tcp, ...proxy, type: 'socks5' }),
    section('redudp', { local_ip: '10.92.0.1', local_port: PORTS.udp, ...proxy, udp_timeout: 30 }),
  ].join('');
}

function section(name: string, entries: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(entries).map(([key, value]) => `  ${key} = ${value};\n`);
  return `${name} {\n${lines.join('')}}\n`;
}

const [user, far] = [await startMachine(), await startMachine()];
await connectMachines(here, user, 'lan', '10.92.0');
await connectMachines(here, far, 'wan', '10.91.0');
await user.sh('ip route add default via 10.92.0.1');
await far.sh(`ip address add ${NAMESERVER}/32 dev lo; ip address add ${ECHO}/32 dev lo`);

const names = ['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=', '--group='];
const at = [`--listen-address=${NAMESERVER}`, '--bind-interfaces', '--address=/known.test/192.0.2.7'];
await startOn(far, 'dnsmasq', ...names, ...at).untilStderr(/started/);
await startOn(far, 'socat', '-d', '-d', `UDP4-LISTEN:7,bind=${ECHO}`, 'PIPE').untilStderr(/listening/);
const server = await start('wsproxy-server', ['--allow-private'], { within: far.within, host: '10.91.0.2' });
const client = await start('wsproxy-client', [`ws://10.91.0.2:${server.port}/`, '--insecure']);

const file = join(temporaryFolder(), 'redsocks.conf');
writeFileSync(file, redsocks(client.port));
await startOn(here, 'redsocks', '-c', file).untilStderr(/redsocks started/);
await here.sh(`iptables -t nat -A PREROUTING -i lan -p tcp -j REDIRECT --to-ports ${PORTS.tcp}`);
const transparent = `--on-ip 10.92.0.1 --on-port ${PORTS.udp} --tproxy-mark 1`;
await here.sh(`iptables -t mangle -A PREROUTING -i lan -p udp -j TPROXY ${transparent}`);
await here.sh('ip rule add fwmark 1 lookup 100; ip route add local default dev lo table 100');

const question = [`@${NAMESERVER}`, '+short', '+tries=2', 'known.test'];
const result = {
  byUdp: await ask(user, ['dig', ...question]),
  byTcp: await ask(user, ['dig', '+tcp', ...question]),
  echo: await ask(user, ['nc', '-u', '-w', '1', ECHO, '7'], 'a line\n'),
};
await endAll();
process.stdout.write(`${JSON.stringify(result)}\n`);
